#include "models/config_json.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "made_file.h"

namespace rustml::models {
namespace {

std::string json_refusal(const std::string& text) {
  MadeFile f;
  f.json(text);
  return error_of([&] { ConfigJson(f.file()); });
}

TEST(ConfigJson, DamagedTextsAreDataLoss) {
  const std::string deep = std::string(10001, '[') + std::string(10001, ']');
  for (const std::string& text : {std::string(), std::string("  \n"), std::string("[]"), std::string("{"), std::string("{}x"), deep,
                                  std::string("{\"a\":1,\"a\":2}"), std::string("\xFF\xFE{\0}\0", 6), std::string("3")})
    EXPECT_EQ(json_refusal(text).substr(0, 2), "15") << text.substr(0, 20);
  MadeFile f;
  f.json("{}");
  formats::ModelFile& file = f.file();
  file.documents.clear();
  EXPECT_EQ(error_of([&] { ConfigJson{file}; }).substr(0, 2), "5 ");
}

TEST(ConfigJson, FieldsHaveTypesAndRanges) {
  MadeFile f;
  f.json(R"({"n":7,"x":2.5,"whole":3,"yes":true,"s":"text","list":["a","b"],"mixed":["a",1],"inner":{"n":9},"none":null})");
  const ConfigJson json(f.file());
  EXPECT_EQ(json.size("n", 10), 7);
  EXPECT_EQ(json.size("absent", 10, 4), 4);
  EXPECT_EQ(json.size("none", 10, 4), 4);
  EXPECT_EQ(json.positive("x"), 2.5);
  EXPECT_EQ(json.positive("whole"), 3);
  EXPECT_TRUE(json.flag("yes", false));
  EXPECT_EQ(json.text("s", ""), "text");
  EXPECT_EQ(json.texts("list").size(), 2u);
  EXPECT_EQ(json.object("inner").size("n", 10), 9);
  EXPECT_TRUE(json.object("absent").empty());
  EXPECT_FALSE(json.object("absent").has("n"));
  EXPECT_EQ(error_of([&] { json.size("n", 6); }), "15 made/config.json: n is 7; it must be a whole number, 1 to 6");
  EXPECT_EQ(error_of([&] { json.size("x", 6); }), "15 made/config.json: x is 2.5; it must be a whole number, 1 to 6");
  EXPECT_EQ(error_of([&] { json.object("inner").size("m", 6); }), "15 made/config.json: inner.m is missing; it must be given");
  EXPECT_EQ(error_of([&] { json.texts("mixed"); }).substr(0, 2), "15");
  EXPECT_EQ(error_of([&] { json.object("n"); }), "15 made/config.json: n is 7; it must be an object");
  json.require_absent("none");
  json.require_flag("yes", true);
  json.require_text("s", {"text"});
  EXPECT_EQ(error_of([&] { json.require_absent("n"); }).substr(0, 2), "12");
  EXPECT_EQ(error_of([&] { json.require_flag("yes", false); }), "12 made/config.json: yes is true; only false is supported");
  EXPECT_EQ(error_of([&] { json.require_text("s", {"a", "b"}); }), "12 made/config.json: s is \"text\"; supported: a, b");
}

}  // namespace
}  // namespace rustml::models
