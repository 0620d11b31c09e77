#include "base/json_scanner.h"

#include <gtest/gtest.h>

#include "expect_error.h"

namespace rustml::base {
namespace {

// One letter per token, strings and numbers with their text: {k"a"n1}.
std::string tokens(std::string_view text) {
  std::string out;
  JsonScanner scanner(text, "text");
  while (true) {
    switch (scanner.next()) {
      case JsonToken::begin_object: out += '{'; break;
      case JsonToken::end_object: out += '}'; break;
      case JsonToken::begin_array: out += '['; break;
      case JsonToken::end_array: out += ']'; break;
      case JsonToken::key: out += "k" + base::quoted(scanner.string()); break;
      case JsonToken::string: out += "s" + base::quoted(scanner.string()); break;
      case JsonToken::number: out += "n" + std::string(scanner.number()); break;
      case JsonToken::boolean: out += scanner.boolean() ? "t" : "f"; break;
      case JsonToken::null: out += '0'; break;
      case JsonToken::end: EXPECT_EQ(scanner.next(), JsonToken::end); return out;
    }
  }
}

TEST(JsonScanner, Tokens) {
  EXPECT_EQ(tokens(" {\"a\" : [1, -2.5e+3 , true,false,null,\"x\"], \"b\":{}, \"c\":[ ] }\n"),
            "{k\"a\"[n1n-2.5e+3tf0s\"x\"]k\"b\"{}k\"c\"[]}");
  EXPECT_EQ(tokens("0"), "n0");
  EXPECT_EQ(tokens("\"\""), "s\"\"");
}

TEST(JsonScanner, Strings) {
  const auto string = [](std::string_view text) {
    JsonScanner scanner(text, "text");
    EXPECT_EQ(scanner.next(), JsonToken::string);
    return scanner.string();
  };
  EXPECT_EQ(string(R"("\"\\\/\b\f\n\r\t")"), "\"\\/\b\f\n\r\t");
  EXPECT_EQ(string(R"("\u0041\u00e9\u20AC\ud83d\ude00\uFFFF")"), "A\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\xEF\xBF\xBF");
  EXPECT_EQ(string(R"("\udbff\udfff")"), "\xF4\x8F\xBF\xBF");
  EXPECT_EQ(string(R"("a\u0000b")"), std::string("a\0b", 3));
  EXPECT_EQ(string("\"\xF0\x9F\x98\x80\x7F\""), "\xF0\x9F\x98\x80\x7F");
}

TEST(JsonScanner, Faults) {
  const struct {
    std::string text, problem;
    size_t offset;
  } kFaults[] = {
      {"", "ends too early", 0},
      {"   ", "ends too early", 3},
      {"{} x", "text after", 3},
      {"1 2", "text after", 2},
      {"{\"a\":1,}", "expected a key", 7},
      {"{,}", "expected a key", 1},
      {"{\"a\" 1}", "expected ':'", 5},
      {"{\"a\":1 \"b\":2}", "expected ',' or '}'", 7},
      {"{1:2}", "expected a key", 1},
      {"[1,]", "expected a JSON value", 3},
      {"[1 2]", "expected ',' or ']'", 3},
      {"[1}", "expected ',' or ']'", 2},
      {"]", "expected a JSON value", 0},
      {"}", "expected a JSON value", 0},
      {"[", "ends too early", 1},
      {"{\"a\":", "ends too early", 5},
      {"tru", "expected true", 0},
      {"nul", "expected true", 0},
      {"TRUE", "expected a JSON value", 0},
      {"NaN", "expected a JSON value", 0},
      {"'a'", "expected a JSON value", 0},
      {"// x\n1", "expected a JSON value", 0},
      {"\xEF\xBB\xBF{}", "expected a JSON value", 0},
      {"01", "leading zero", 0},
      {"-01", "leading zero", 1},
      {"-", "ends too early", 1},
      {"-x", "expected a digit", 1},
      {"1.", "ends too early", 2},
      {"1.e3", "expected a digit", 2},
      {".5", "expected a JSON value", 0},
      {"+1", "expected a JSON value", 0},
      {"1e", "ends too early", 2},
      {"1e+x", "expected a digit", 3},
      {"0x10", "text after", 1},
      {"\"abc", "ends too early", 4},
      {"\"a\nb\"", "control character", 2},
      {std::string("\"a\0b\"", 5), "control character", 2},
      {"\"\\x41\"", "unknown escape", 1},
      {"\"\\u12G4\"", "hexadecimal", 5},
      {"\"\\u12", "ends too early", 5},
      {"\"\\ud800\"", "surrogate", 1},
      {"\"\\udc00\"", "surrogate", 1},
      {"\"\\ud800\\u0041\"", "surrogate", 1},
      {"\"\\ud800\\ud800\"", "surrogate", 1},
      {"\"\xC0\x80\"", "invalid UTF-8", 1},
      {"\"\xED\xA0\x80\"", "invalid UTF-8", 1},
      {"\"\xFF\"", "invalid UTF-8", 1},
      {std::string("\xFF\xFE{\0}\0", 6), "invalid UTF-8", 0},
  };
  for (const auto& fault : kFaults) {
    EXPECT_ERROR(tokens(fault.text), Status::invalid_argument, fault.problem);
    EXPECT_ERROR(tokens(fault.text), Status::invalid_argument, " at byte " + std::to_string(fault.offset));
  }
}

TEST(JsonScanner, EveryCutOfAValidTextIsRefused) {
  const std::string text = R"({"a":[1.5e3,true,{"\u0041\ud83d\ude00":null}],"b":"x"})";
  for (size_t n = 0; n < text.size(); ++n) EXPECT_THROW(tokens(text.substr(0, n)), Error) << n;
  tokens(text);
}

TEST(JsonScanner, Depth) {
  const auto nested = [](size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_EQ(tokens(nested(64)), nested(64));
  EXPECT_ERROR(tokens(nested(65)), Status::invalid_argument, "nested deeper than 64 at byte 64");
  EXPECT_ERROR(tokens(std::string(1000000, '[')), Status::invalid_argument, "nested deeper");
}

TEST(JsonScanner, NumberOfValues) {
  std::string text = "[0";
  for (size_t i = 2; i < JsonScanner::kMaxValues; ++i) text += ",0";
  text += "]";
  tokens(text);  // the array and 8 Mi - 1 items
  text.back() = ',';
  EXPECT_ERROR(tokens(text + "0]"), Status::invalid_argument, "more than 8388608 values");
}

}  // namespace
}  // namespace rustml::base
