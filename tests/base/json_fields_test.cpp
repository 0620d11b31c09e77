#include "base/json_fields.h"

#include "expect_error.h"

namespace {

using namespace rustml::base;

JsonFields fields_of(const char* text) { return JsonFields(parse_json(text, "x"), "made/x.json", ": "); }

TEST(JsonFields, HaveTypesAndRanges) {
  const JsonFields fields =
      fields_of(R"({"n":7,"low":-3,"x":2.5,"whole":3,"yes":true,"s":"text","list":["a","b"],"mixed":["a",1],"inner":{"n":9},"none":null})");
  EXPECT_EQ(fields.size("n", 10), 7);
  EXPECT_EQ(fields.size("absent", 10, 4), 4);
  EXPECT_EQ(fields.size("none", 10, 4), 4);
  EXPECT_EQ(fields.whole("low", -3, 0), -3);
  EXPECT_EQ(fields.positive("x"), 2.5);
  EXPECT_EQ(fields.positive("whole"), 3);
  EXPECT_EQ(fields.positive("absent", 1.5), 1.5);
  EXPECT_TRUE(fields.flag("yes", false));
  EXPECT_TRUE(fields.flag("none", true));
  EXPECT_FALSE(fields.flag("absent", false));
  EXPECT_EQ(fields.text("s"), "text");
  EXPECT_EQ(fields.text("absent", "other"), "other");
  EXPECT_EQ(fields.texts("list").size(), 2u);
  EXPECT_TRUE(fields.texts("absent").empty());
  EXPECT_EQ(fields.list("mixed").size(), 2u);
  EXPECT_EQ(fields.object("inner").size("n", 10), 9);
  EXPECT_FALSE(fields.has("none"));
  EXPECT_EQ(fields.find("none"), nullptr);
}

TEST(JsonFields, FaultsNamePlaceValueAndWhatItMustBe) {
  const JsonFields fields =
      fields_of(R"({"n":7,"x":2.5,"zero":0,"s":"text","mixed":["a",1],"inner":{"n":9},"steps":[{"a":1},2],"none":null})");
  const auto refused = [&](auto read, const std::string& message) { EXPECT_ERROR(read(), Status::data_loss, "made/x.json: " + message); };
  refused([&] { fields.size("n", 6); }, "n is 7; it must be a whole number, 1 to 6");
  refused([&] { fields.size("x", 6); }, "x is 2.5; it must be a whole number, 1 to 6");
  refused([&] { fields.whole("n", -2, 2); }, "n is 7; it must be a whole number, -2 to 2");
  refused([&] { fields.positive("zero"); }, "zero is 0; it must be a positive number");
  refused([&] { fields.flag("n", true); }, "n is 7; it must be true or false");
  refused([&] { fields.text("absent"); }, "absent is missing; it must be given");
  refused([&] { fields.text("none"); }, "none is null; it must be given");
  refused([&] { fields.text("inner"); }, "inner is an object; it must be a string");
  refused([&] { fields.texts("mixed"); }, "mixed holds 1; it must be a list of strings");
  refused([&] { fields.list("s"); }, "s is \"text\"; it must be a list");
  refused([&] { fields.object("n"); }, "n is 7; it must be an object");
  refused([&] { fields.object("inner").size("m", 6); }, "inner.m is missing; it must be given");
  refused([&] { fields.objects("steps"); }, "steps[1] is 2; it must be an object");
  EXPECT_ERROR(JsonFields(Json{}, "y"), Status::data_loss, "y is null; it must be an object");
  EXPECT_ERROR(JsonFields(Json{}, "y", ".", Status::invalid_argument), Status::invalid_argument, "y is null; it must be an object");
}

TEST(JsonFields, WhatIsNotSupportedIsUnimplemented) {
  const JsonFields fields = fields_of(R"({"n":7,"yes":true,"s":"text","none":null})");
  fields.require_absent("none");
  fields.require_flag("yes", true);
  fields.require_text("s", {"text"});
  fields.require_text("absent", {"text"});
  EXPECT_EQ(fields.choice("s", {"other", "text"}), 1u);
  EXPECT_ERROR(fields.choice("s", {"a"}), Status::unimplemented, "made/x.json: s is \"text\"; supported: a");
  EXPECT_ERROR(fields.choice("absent", {"a"}), Status::data_loss, "made/x.json: absent is missing");
  EXPECT_ERROR(fields.require_absent("n"), Status::unimplemented, "made/x.json: n is 7; only null is supported");
  EXPECT_ERROR(fields.require_flag("yes", false), Status::unimplemented, "made/x.json: yes is true; only false is supported");
  EXPECT_ERROR(fields.require_text("s", {"a", "b"}), Status::unimplemented, "made/x.json: s is \"text\"; supported: a, b");
  EXPECT_ERROR(fields.require_text("s", {""}), Status::unimplemented, "made/x.json: s is \"text\"; supported: none");
}

TEST(JsonFields, InnerObjectsKeepTheDocument) {
  JsonFields inner = fields_of(R"({"a":{"b":{"c":"deep"}},"list":[{"c":"first"},{"c":"second"}]})").object("a").object("b");
  EXPECT_EQ(inner.text("c"), "deep");
  inner = fields_of(R"({"list":[{"c":"first"},{"c":"second"}]})").objects("list")[1];
  EXPECT_EQ(inner.text("c"), "second");
  EXPECT_EQ(inner.place("c"), "made/x.json: list[1].c");
}

TEST(JsonFields, DefaultsStandForAbsentMembersAlone) {
  JsonFields fields = fields_of(R"({"a":1,"none":null})");
  fields.use_defaults(parse_json(R"({"a":2,"b":3,"none":4})", "defaults"));
  EXPECT_EQ(fields.size("a", 9), 1);
  EXPECT_EQ(fields.size("b", 9), 3);
  EXPECT_FALSE(fields.has("none"));
}

}  // namespace
