#include "formats/json_reader.h"

#include <gtest/gtest.h>

#include <cstring>

#include "../base/expect_error.h"

namespace rustml::formats::test {
namespace {

using base::JsonToken;
using base::Status;

struct Reader : JsonReader {
  explicit Reader(std::string_view text, runtime::Call& call = never()) : JsonReader(text, "m", call) {}
  static runtime::Call& never() {
    static runtime::StopSignal stop;
    static runtime::Call call{stop, {}};
    return call;
  }
};

std::string repeated(std::string_view text, size_t n) {
  std::string out;
  for (size_t i = 0; i < n; ++i) out += text;
  return out;
}

TEST(JsonReader, ReadsWhatIsAskedFor) {
  Reader json(R"( {"a": [1, 18446744073709551615, 0], "b": "x\u0000y", "c": {"d": [[], {}, null]}, "e": {}} )");
  json.begin_object("the file");
  ASSERT_TRUE(json.next_key());
  EXPECT_EQ(json.string(), "a");
  json.begin_array("a");
  EXPECT_EQ(json.next_unsigned("item"), 1u);
  EXPECT_EQ(json.next_unsigned("item"), UINT64_MAX);
  EXPECT_EQ(json.next_unsigned("item"), 0u);
  EXPECT_EQ(json.next_unsigned("item"), std::nullopt);
  ASSERT_TRUE(json.next_key());
  EXPECT_EQ(json.read_string("b"), std::string("x\0y", 3));
  ASSERT_TRUE(json.next_key());
  json.skip_value();
  ASSERT_TRUE(json.next_key());
  EXPECT_EQ(json.string(), "e");
  json.skip_value();
  EXPECT_FALSE(json.next_key());
  json.finish();
}

TEST(JsonReader, OnlyExactIntegers) {
  for (const char* number : {"-1", "-0", "1.0", "1e3", "1E0", "18446744073709551616", "9e99"}) {
    const std::string text = '[' + std::string(number) + ']';
    Reader json(text);
    json.begin_array("list");
    EXPECT_ERROR(json.next_unsigned("an item"), Status::data_loss,
                 "m: an item is \"" + std::string(number) + "\"; it has to be an integer from 0 to 2^64 - 1 at byte 1");
  }
  for (const char* other : {"\"1\"", "true", "null", "[]", "{}"}) {
    const std::string text = '[' + std::string(other) + ']';
    Reader json(text);
    json.begin_array("list");
    EXPECT_ERROR(json.next_unsigned("an item"), Status::data_loss, "an item has to be an integer");
  }
}

TEST(JsonReader, WrongKindsAreDataLoss) {
  EXPECT_ERROR(Reader("[]").begin_object("the file"), Status::data_loss, "m: the file has to be an object at byte 0");
  EXPECT_ERROR(Reader("{}").begin_array("the file"), Status::data_loss, "has to be an array");
  EXPECT_ERROR(Reader("1").read_string("the file"), Status::data_loss, "has to be a string");
  Reader json("  7");
  json.about("tensor \"a\": ");
  EXPECT_ERROR(json.read_string("type"), Status::data_loss, "m: tensor \"a\": type has to be a string at byte 2");
  EXPECT_ERROR(json.limit(9, 8, "length"), Status::resource_exhausted, "length is 9; the limit is 8 at byte 2");
  EXPECT_NO_THROW(json.limit(8, 8, "length"));
}

TEST(JsonReader, BadTextIsDataLoss) {
  for (const std::string text :
       {"", " ", "[1", "[1,]", "{\"a\"}", "[1] 2", "\xEF\xBB\xBF[]", "[\"\xFF\"]", "[\"\\ud800\"]", "[01]", "[NaN]", "[/**/]"}) {
    EXPECT_ERROR(
        {
          Reader json(text);
          json.skip_value();
          json.finish();
        },
        Status::data_loss, "at byte");
  }
}

TEST(JsonReader, LimitsAreResourceExhausted) {
  const auto skip = [](const std::string& text) {
    Reader json(text);
    json.skip_value();
    json.finish();
  };
  EXPECT_NO_THROW(skip(repeated("[", 64) + repeated("]", 64)));
  EXPECT_ERROR(skip(repeated("[", 65)), Status::resource_exhausted, "nested deeper than 64");
  EXPECT_ERROR(skip(repeated("{\"a\":", 65)), Status::resource_exhausted, "nested deeper than 64");
  EXPECT_ERROR(skip(repeated("[", 64) + "x"), Status::data_loss, "expected a JSON value");
  EXPECT_ERROR(skip('[' + repeated("0,", 8 << 20) + "0]"), Status::resource_exhausted, "more than 8388608 values");
}

TEST(JsonReader, StopsWhenAsked) {
  runtime::CancelFlag flag;
  runtime::StopSignal stop(&flag);
  runtime::Call call{stop, {}};
  const std::string text = '[' + repeated("0,", 100000) + "0]";
  Reader json(text, call);
  json.next();
  flag.trigger(1);
  EXPECT_ERROR(json.skip_value(); while (true) json.next(), Status::cancelled, "model load");
}

TEST(JsonReader, TextsAreReadInPieces) {
  std::string bytes(5 << 20, 'x');
  for (size_t i = 0; i < bytes.size(); i += 4096) bytes[i] = static_cast<char>('a' + i / 4096 % 26);
  runtime::CancelFlag flag;
  int reads = 0, cancel_at = 0;
  const auto read = [&](uint64_t offset, void* buf, uint64_t n) {
    if (++reads == cancel_at) flag.trigger(1);
    std::memcpy(buf, bytes.data() + offset, n);
    return 0;
  };
  const auto file = base::open_callback(read, bytes.size(), "r");
  {
    runtime::StopSignal stop(&flag);
    runtime::Call call{stop, {}};
    EXPECT_EQ(read_text(*file, 7, bytes.size() - 7, call), bytes.substr(7));
    EXPECT_EQ(read_text(*file, 7, 0, call), "");
    cancel_at = reads + 2;
    EXPECT_ERROR(read_text(*file, 0, bytes.size(), call), Status::cancelled, "model load");
    EXPECT_EQ(reads, cancel_at);
  }
}

}  // namespace
}  // namespace rustml::formats::test
