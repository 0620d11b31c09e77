#include "base/json.h"

#include <gtest/gtest.h>

#include <random>

#include "base/utf8.h"
#include "expect_error.h"

namespace rustml::base {
namespace {

TEST(Json, Tree) {
  const Json json = parse_json(R"({"model":"x","n":[1,2.5,-3],"deep":{"yes":true,"no":false,"none":null},"":[]})", "test");
  ASSERT_EQ(json.kind, Json::Kind::object);
  ASSERT_EQ(json.members.size(), 4u);
  EXPECT_EQ(json.members[0].first, "model");  // in the order of the text
  EXPECT_EQ(json.members[3].first, "");
  EXPECT_EQ(json.find("model")->string, "x");
  const Json& n = *json.find("n");
  ASSERT_EQ(n.items.size(), 3u);
  EXPECT_EQ(n.items[0].kind, Json::Kind::integer);
  EXPECT_EQ(n.items[0].integer, 1);
  EXPECT_EQ(n.items[0].number, 1.0);
  EXPECT_EQ(n.items[1].kind, Json::Kind::number);
  EXPECT_EQ(n.items[1].number, 2.5);
  EXPECT_EQ(n.items[2].integer, -3);
  const Json& deep = *json.find("deep");
  EXPECT_TRUE(deep.find("yes")->boolean);
  EXPECT_EQ(deep.find("no")->kind, Json::Kind::boolean);
  EXPECT_FALSE(deep.find("no")->boolean);
  EXPECT_EQ(deep.find("none")->kind, Json::Kind::null);
  EXPECT_EQ(json.find("absent"), nullptr);
  EXPECT_EQ(n.find("x"), nullptr);
}

TEST(Json, LeavesKeepTheirPlaces) {  // strings and numbers come from the text, the tree from cJSON
  const Json json = parse_json(R"([["a",1],{"b":"c","d":[2,"e"],"f":{"g":3}},"h",4])", "test");
  EXPECT_EQ(json.items[0].items[0].string, "a");
  EXPECT_EQ(json.items[0].items[1].integer, 1);
  EXPECT_EQ(json.items[1].find("b")->string, "c");
  EXPECT_EQ(json.items[1].find("d")->items[1].string, "e");
  EXPECT_EQ(json.items[1].find("f")->find("g")->integer, 3);
  EXPECT_EQ(json.items[2].string, "h");
  EXPECT_EQ(json.items[3].integer, 4);
}

TEST(Json, NumbersAreExact) {
  const auto number = [](std::string_view text) { return parse_json(text, "test"); };
  EXPECT_EQ(number("9007199254740993").integer, 9007199254740993);  // 2^53 + 1
  EXPECT_EQ(number("9223372036854775807").integer, INT64_MAX);
  EXPECT_EQ(number("-9223372036854775808").integer, INT64_MIN);
  EXPECT_EQ(number("9223372036854775808").kind, Json::Kind::number);
  EXPECT_EQ(number("9223372036854775808").number, 0x1p63);
  EXPECT_EQ(number("1.0").kind, Json::Kind::number);
  EXPECT_EQ(number("1e2").number, 100);
  EXPECT_EQ(number("0.1").number, 0.1);
  EXPECT_EQ(number("-0").kind, Json::Kind::integer);
  EXPECT_EQ(number("4.9e-324").number, 4.9e-324);
  EXPECT_EQ(number("1.7976931348623157e308").number, 1.7976931348623157e308);
  EXPECT_ERROR(number("1e309"), Status::invalid_argument, "outside the range of a double at byte 0");
  EXPECT_ERROR(number("[1,-1e400]"), Status::invalid_argument, "at byte 3");
  EXPECT_EQ(number(std::string(63, '1')).kind, Json::Kind::number);
  EXPECT_ERROR(number(std::string(64, '1')), Status::invalid_argument, "more than 63 characters");
}

TEST(Json, NulInsideStringsAndKeys) {
  const Json json = parse_json(R"({"a\u0000b":"c\u0000d","a":1})", "test");
  EXPECT_EQ(json.find(std::string_view("a\0b", 3))->string, std::string("c\0d", 3));
  EXPECT_EQ(json.find("a")->integer, 1);
}

TEST(Json, DuplicateKeys) {
  EXPECT_ERROR(parse_json(R"({"a":1,"b":2,"a":3})", "messages"), Status::invalid_argument,
               "messages: the key \"a\" occurs twice at byte 13");
  EXPECT_ERROR(parse_json(R"([{"x":{"\u0061":1,"a":1}}])", "messages"), Status::invalid_argument, "occurs twice");
  parse_json(R"([{"a":1},{"a":1}])", "messages");
}

TEST(Json, ManyKeysAreNotQuadratic) {
  std::string text = "{";
  for (int i = 0; i < 200000; ++i) text += "\"k" + std::to_string(i) + "\":" + std::to_string(i) + ",";
  EXPECT_EQ(parse_json(text + "\"z\":0}", "test").members.size(), 200001u);
  EXPECT_ERROR(parse_json(text + "\"k7\":0}", "test"), Status::invalid_argument, "\"k7\" occurs twice");
}

TEST(Json, FaultsOfTheScannerAreNamed) {
  EXPECT_ERROR(parse_json("{\"a\":}", "messages"), Status::invalid_argument, "messages: expected a JSON value at byte 5");
  EXPECT_ERROR(parse_json("{}{}", "messages"), Status::invalid_argument, "messages: text after the JSON value at byte 2");
  EXPECT_ERROR(parse_json("\"\\udead\"", "messages"), Status::invalid_argument, "surrogate");
}

TEST(Json, Limits) {
  const std::string blanks(4 << 20, ' ');
  EXPECT_ERROR(parse_json(blanks + " ", "test"), Status::invalid_argument, "4194305 bytes; at most 4194304");
  EXPECT_EQ(parse_json(blanks.substr(1) + "7", "test").integer, 7);
  EXPECT_ERROR(parse_json(blanks, "test"), Status::invalid_argument, "ends too early");
  EXPECT_EQ(parse_json("\"" + std::string((4 << 20) - 2, 'x') + "\"", "test").string.size(), (4u << 20) - 2);
}

TEST(Json, MutilatedTextsNeverCrash) {
  const std::string text = R"({"role":"user","content":["\ud83d\ude00 \u0000",{"n":-1.5e-3,"t":true}],"x":[[],{},null]})";
  static constexpr std::string_view kLetters = "{}[]\",:\\ud8-1e.tfn \x80\xC3";
  std::mt19937 random(3);
  int accepted = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string bad = text;
    for (unsigned k = 0; k <= random() % 3; ++k) bad[random() % bad.size()] = kLetters[random() % kLetters.size()];
    try {
      parse_json(bad, "test");
      ++accepted;
    } catch (const Error& error) {
      ASSERT_EQ(error.status(), Status::invalid_argument);
    }
  }
  EXPECT_GT(accepted, 0);
}

}  // namespace
}  // namespace rustml::base
