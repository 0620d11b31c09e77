#include "tokenizer/json_sections.h"

#include "../base/expect_error.h"

namespace {

using namespace rustml::tokenizer;
using rustml::base::Json;
using rustml::base::Status;

JsonSections sections(std::string_view text, const std::vector<std::string>& wanted) {
  rustml::runtime::StopSignal stop;
  return json_sections(text, "x.json", wanted, stop);
}

TEST(JsonSections, StepsOfSequences) {
  const Json json = rustml::base::parse_json(R"({"type":"Sequence","all":[{"type":"A"},{"type":"Sequence","all":[{"type":"B"}]}]})", "x");
  std::string seen;
  for (const JsonFields& fields : steps_of(JsonFields(json, "x"), "all")) seen += fields.text("type") + " " + fields.place("y") + "\n";
  EXPECT_EQ(seen, "A x.all[0].y\nB x.all[1].all[0].y\n");
}

TEST(JsonSections, OfALargeText) {
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
