#include "boundary/arguments.h"

#include <gtest/gtest.h>

#include "../base/expect_error.h"

namespace rustml::boundary {
namespace {

using base::Status;

TEST(Arguments, Text) {
  EXPECT_EQ(read_text("abc", 2, "t"), "ab");
  EXPECT_EQ(read_text("abc", RUSTML_NUL_TERMINATED, "t"), "abc");
  EXPECT_EQ(read_text("a\0b", 3, "t").size(), 3u);
  EXPECT_EQ(read_text(nullptr, 0, "t"), "");
  EXPECT_ERROR(read_text(nullptr, 1, "prompt"), Status::invalid_argument, "prompt is NULL with length 1");
  EXPECT_ERROR(read_text(nullptr, RUSTML_NUL_TERMINATED, "t"), Status::invalid_argument, "t is NULL");
  EXPECT_ERROR(read_text("a", uint64_t{1} << 63, "t"), Status::invalid_argument, "at most 2^47");
  EXPECT_ERROR(read_text("ab\xFF", 3, "t"), Status::invalid_argument, "not valid UTF-8 at byte 2");
  EXPECT_ERROR(read_text("\xED\xA0\x80", 3, "t"), Status::invalid_argument, "at byte 0");  // a surrogate
}

TEST(Arguments, Strings) {
  EXPECT_EQ(read_string(nullptr, 0, "x"), "");
  EXPECT_EQ(read_string("abc", RUSTML_NUL_TERMINATED, "x"), "abc");
  EXPECT_ERROR(read_string(nullptr, 1, "x"), Status::invalid_argument, "x is NULL with length 1");
  EXPECT_ERROR(read_string("a\0b", 3, "x"), Status::invalid_argument, "x has a NUL byte at offset 1");
  EXPECT_ERROR(read_string("\xFF", 1, "x"), Status::invalid_argument, "not valid UTF-8");
  EXPECT_ERROR(read_string("a", uint64_t{1} << 40, "x"), Status::invalid_argument, "at most 1048576 bytes");  // and it is not looked at
}

TEST(Arguments, Paths) {
  EXPECT_EQ(read_path("/a", 2), "/a");
  EXPECT_ERROR(read_path("", 0), Status::invalid_argument, "path is empty");
  EXPECT_ERROR(read_path("a\0b", 3), Status::invalid_argument, "NUL byte at offset 1");
}

TEST(Arguments, IdsAndBytes) {
  const int32_t ids[] = {1, 2};
  EXPECT_EQ(read_ids(ids, 2, "ids").size(), 2u);
  EXPECT_TRUE(read_ids(nullptr, 0, "ids").empty());
  EXPECT_ERROR(read_ids(nullptr, 2, "ids"), Status::invalid_argument, "ids is NULL with count 2");
  EXPECT_ERROR(read_ids(ids, uint64_t{1} << 63, "ids"), Status::invalid_argument, "2^45");
  EXPECT_ERROR(read_bytes(nullptr, 2, "data"), Status::invalid_argument, "data is NULL");
  EXPECT_ERROR(read_bytes("x", uint64_t{1} << 63, "data"), Status::invalid_argument, "2^47");
}

TEST(Arguments, Values) {
  EXPECT_TRUE(read_bool(1, "b"));
  EXPECT_ERROR(read_bool(2, "b"), Status::invalid_argument, "b is 2; it must be 0 or 1");
  EXPECT_ERROR(require_zero(7, "reserved0"), Status::invalid_argument, "reserved0 is 7; it must be 0");
  EXPECT_NO_THROW(require_flags(3, 7, "flags"));
  EXPECT_ERROR(require_flags(9, 7, "flags"), Status::invalid_argument, "unknown bits: 8");
}

TEST(Arguments, Buffers) {
  const char text[] = "hello";
  char buf[8] = "-------";
  uint64_t needed = 99;
  EXPECT_EQ(OutBuffer<char>(nullptr, 0, &needed).fill(text, 5), Status::ok);
  EXPECT_EQ(needed, 5u);
  EXPECT_EQ(OutBuffer(buf, 4, &needed).fill(text, 5), Status::buffer_too_small);
  EXPECT_EQ(needed, 5u);
  EXPECT_EQ(buf[0], '-');
  EXPECT_EQ(OutBuffer(buf, 0, &needed).fill(text, 5), Status::buffer_too_small);
  EXPECT_EQ(OutBuffer(buf, 5, &needed).fill(text, 5), Status::ok);
  EXPECT_EQ(std::string(buf), "hello--");
  EXPECT_ERROR(OutBuffer(buf, 8, nullptr), Status::invalid_argument, "needed is NULL");
  EXPECT_ERROR(OutBuffer<char>(nullptr, 3, &needed), Status::invalid_argument, "buf is NULL with capacity 3");
}

}  // namespace
}  // namespace rustml::boundary
