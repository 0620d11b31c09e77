#include "tokenizer/json_fields.h"

#include "../base/expect_error.h"

namespace {

using namespace rustml::tokenizer;
using rustml::base::Json;
using rustml::base::Status;

JsonSections sections(std::string_view text, const std::vector<std::string>& wanted) {
  rustml::runtime::StopSignal stop;
  return json_sections(text, "x.json", wanted, stop);
}

TEST(JsonFields, ReadsByNameAndType) {
  const Json json = rustml::base::parse_json(R"({"type":"T","yes":true,"n":-3,"list":[1],"nothing":null})", "x");
  const JsonFields fields(json, "x.json: a");
  EXPECT_EQ(fields.type(), "T");
  EXPECT_TRUE(fields.boolean("yes", false));
  EXPECT_TRUE(fields.boolean("nothing", true));
  EXPECT_FALSE(fields.boolean("absent", false));
  EXPECT_EQ(fields.integer("n"), -3);
  EXPECT_EQ(fields.array("list").size(), 1u);
  EXPECT_EQ(fields.find("nothing"), nullptr);
  EXPECT_ERROR(fields.string("absent"), Status::data_loss, "x.json: a.absent: missing, expected a string");
  EXPECT_ERROR(fields.boolean("n", true), Status::data_loss, "x.json: a.n: expected true or false");
  EXPECT_ERROR(fields.unsupported("type", "T", "U"), Status::unimplemented, "x.json: a.type: \"T\" is not supported; supported are U");
  EXPECT_ERROR(JsonFields(Json{}, "y"), Status::data_loss, "y: expected an object");
}

TEST(JsonFields, StepsOfSequences) {
  const Json json = rustml::base::parse_json(R"({"type":"Sequence","all":[{"type":"A"},{"type":"Sequence","all":[{"type":"B"}]}]})", "x");
  std::string seen;
  for_each_step(json, "x", "all", [&](const JsonFields& fields) { seen += fields.type() + " " + fields.where() + "\n"; });
  EXPECT_EQ(seen, "A x.all[0]\nB x.all[1].all[0]\n");
}

TEST(JsonFields, SectionsOfALargeText) {
  const JsonSections found = sections(R"( { "a" : "x, y" , "m":{"v" : {"a":1} ,"w":[ {"v":2} ]}, "b":[1,[2]] , "n" : 12 } )",
                                      {"a", "b", "m", "m.v", "m.w", "n", "absent", "v"});
  const JsonSections expected{{"a", "\"x, y\""},     {"b", "[1,[2]]"},          {"m", R"({"v" : {"a":1} ,"w":[ {"v":2} ]})"},
                              {"m.v", R"({"a":1})"}, {"m.w", R"([ {"v":2} ])"}, {"n", "12"}};
  EXPECT_EQ(found, expected);
  EXPECT_TRUE(sections("{}", {"a"}).empty());
  EXPECT_ERROR(sections("[]", {"a"}), Status::invalid_argument, "expected an object");
  EXPECT_ERROR(sections(R"({"a":1,"a":2})", {"a"}), Status::invalid_argument, "\"a\" occurs twice");
  EXPECT_NO_THROW(sections(R"({"b":1,"b":2})", {"a"}));
  EXPECT_ERROR(sections(R"({"a":1)", {"a"}), Status::invalid_argument, "ends too early");
}

}  // namespace
