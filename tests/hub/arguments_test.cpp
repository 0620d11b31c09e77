// Rule 3 of the ABI for the structs that this library reads.
#include "hub/arguments.h"

#include <gtest/gtest.h>

#include <array>

namespace rustml::hub {
namespace {

TEST(Arguments, OlderAndNewerCallers) {
  alignas(8) std::array<unsigned char, 64> bytes{};
  auto* options = reinterpret_cast<rustml_hub_options*>(bytes.data());
  ASSERT_EQ(rustml_hub_options_init(options, 64), RUSTML_OK);
  options->flags = RUSTML_HUB_OFFLINE;
  options->cache_dir = {"/c", 2};
  options->token = {"t", 1};
  EXPECT_EQ(read_struct(options).token.len, 1u);
  options->struct_size = 47;  // ends inside token
  EXPECT_EQ(read_struct(options).cache_dir.len, 2u);
  EXPECT_EQ(read_struct(options).token.len, 0u);
  options->struct_size = 64;
  bytes[60] = 1;
  EXPECT_THROW(read_struct(options), base::Error) << "an option this library does not know";
  for (const uint32_t size : {0u, 7u, 65537u}) {
    options->struct_size = size;
    EXPECT_THROW(read_struct(options), base::Error) << size;
    EXPECT_EQ(rustml_hub_options_init(options, size), RUSTML_INVALID_ARGUMENT);
  }
  EXPECT_EQ(read_struct<rustml_hub_options>(nullptr).flags, 0u);
}

TEST(Arguments, Text) {
  EXPECT_EQ(read_text(nullptr, 0, "x"), "");
  EXPECT_EQ(read_text("abc", RUSTML_NUL_TERMINATED, "x"), "abc");
  EXPECT_THROW(read_text(nullptr, 1, "x"), base::Error);
  EXPECT_THROW(read_text("a\0b", 3, "x"), base::Error);
  EXPECT_THROW(read_text("\xFF", 1, "x"), base::Error);
  EXPECT_THROW(read_text("a", uint64_t{1} << 40, "x"), base::Error);
}

TEST(Arguments, Buffers) {
  char buf[4] = "xyz";
  uint64_t needed = 9;
  EXPECT_EQ(OutText(buf, 2, &needed).fill("abc"), base::Status::buffer_too_small);
  EXPECT_EQ(needed, 3u);
  EXPECT_STREQ(buf, "xyz") << "nothing is written";
  EXPECT_EQ(OutText(nullptr, 0, &needed).fill("abc"), base::Status::ok);
  EXPECT_EQ(OutText(buf, 3, &needed).fill("abc"), base::Status::ok);
  EXPECT_STREQ(buf, "abc");
  EXPECT_THROW(OutText(nullptr, 1, &needed), base::Error);
  EXPECT_THROW(OutText(buf, 1, nullptr), base::Error);
}

}  // namespace
}  // namespace rustml::hub
