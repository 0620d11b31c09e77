// What is written, against the strict parser.
#include "base/json_writer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <optional>
#include <random>
#include <vector>

#include "base/json.h"
#include "base/utf8.h"

namespace rustml::base {
namespace {

std::string round_trip(const std::string& text) { return parse_json(json_string(text), "string").string; }

TEST(JsonString, WhatItWritesIsReadBack) {
  EXPECT_EQ(json_string("a\"b\\c\n\x01\x7F/"), "\"a\\\"b\\\\c\\n\\u0001\\u007f/\"");
  EXPECT_EQ(json_string(""), "\"\"");
  EXPECT_EQ(json_string("\xFFx\xC3"), "\"\xEF\xBF\xBDx\xEF\xBF\xBD\"");
  std::mt19937 random(5);
  for (int i = 0; i < 20000; ++i) {
    std::string text;
    for (unsigned k = 0; k < random() % 20; ++k) text += static_cast<char>(random());
    const std::string read = parse_json(json_string(text), "test").string;
    if (utf8_error(text) == kValidUtf8) {
      ASSERT_EQ(read, text);
    } else {
      ASSERT_EQ(utf8_error(read), kValidUtf8);
      ASSERT_NE(read.find("\xEF\xBF\xBD"), std::string::npos);
    }
  }
}

TEST(JsonString, EveryCharacterSurvives) {
  std::string controls;
  for (int c = 1; c < 0x80; ++c) controls += static_cast<char>(c);
  controls += '\0';
  for (const std::string& text :
       {std::string(), controls, std::string("gr\xC3\xBC\xC3\x9F \xE4\xB8\xAD \xF0\x9F\x98\x80 \xF4\x8F\xBF\xBF")}) {
    EXPECT_EQ(round_trip(text), text);
  }
}

TEST(JsonString, BytesThatAreNotUtf8BecomeReplacementCharacters) {
  const std::string kReplacement = "\xEF\xBF\xBD";
  EXPECT_EQ(round_trip("a\xFF z"), "a" + kReplacement + " z");
  EXPECT_EQ(round_trip("\xC0\xAF"), kReplacement + kReplacement) << "overlong";
  EXPECT_EQ(round_trip("\xED\xA0\x80"), kReplacement + kReplacement + kReplacement) << "surrogate";
  EXPECT_EQ(round_trip("\xF0\x9F\x98"), kReplacement + kReplacement + kReplacement) << "cut off";
  EXPECT_EQ(round_trip("\xF4\x90\x80\x80").size(), 4 * kReplacement.size()) << "beyond U+10FFFF";
}

TEST(JsonWriter, ValuesOfEveryType) {
  EXPECT_EQ(JsonObject().str(), "{}");
  EXPECT_EQ(JsonArray().str(), "[]");
  EXPECT_EQ(JsonObject().add("a", NAN).add("b", -INFINITY).add("c", -0.25).add("d", UINT64_MAX).add("e", INT64_MIN).add("f", 0.1f).str(),
            R"({"a":null,"b":null,"c":-0.25,"d":18446744073709551615,"e":-9223372036854775808,"f":0.1})");
  EXPECT_EQ(JsonObject()
                .add("yes", true)
                .add("no", false)
                .add("text", "x\"")
                .add("none", std::optional<int>())
                .add("one", std::optional(1))
                .str(),
            R"({"yes":true,"no":false,"text":"x\"","none":null,"one":1})");
  EXPECT_EQ(JsonObject().add("a \"key\"", JsonText("[ 1 ]")).str(), R"({"a \"key\"":[ 1 ]})");
}

TEST(JsonWriter, ObjectsAndArraysNest) {
  const std::vector<int> numbers{1, 2, 3};
  const auto squared = [](int n) { return JsonObject().add("n", n * n); };
  EXPECT_EQ(JsonObject().add("list", JsonArray(numbers)).add("objects", JsonArray(numbers, squared)).str(),
            R"({"list":[1,2,3],"objects":[{"n":1},{"n":4},{"n":9}]})");
  EXPECT_EQ(JsonArray().add("a").add(JsonArray()).add(JsonObject()).str(), R"(["a",[],{}])");
}

}  // namespace
}  // namespace rustml::base
