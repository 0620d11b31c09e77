#include "base/byte_reader.h"

#include <gtest/gtest.h>

#include <random>

#include "expect_error.h"

namespace rustml::base {
namespace {

std::string pattern(size_t n) {
  std::string bytes;
  while (bytes.size() < n) bytes += static_cast<char>(bytes.size() * 31 + bytes.size() / 256);
  return bytes;
}

TEST(ByteReader, NumbersAreLittleEndian) {
  const std::string bytes("\x01\x02\x03\x04\x05\x06\x07\x08\xFF\xFE\xFF\x00\x00\x80\x3F", 15);
  const auto file = open_memory(bytes.data(), bytes.size(), "m");
  ByteReader in(*file, 0, bytes.size());
  EXPECT_EQ(in.number<uint64_t>("a"), 0x0807060504030201u);
  EXPECT_EQ(in.number<int8_t>("b"), -1);
  EXPECT_EQ(in.number<int16_t>("c"), -2);
  EXPECT_EQ(in.number<float>("d"), 1.0f);
  EXPECT_EQ(in.position(), 15u);
  EXPECT_EQ(in.remaining(), 0u);
}

TEST(ByteReader, AnySequenceOfReadsSeesTheFile) {
  const std::string bytes = pattern(1 << 20);
  const auto file = open_memory(bytes.data(), bytes.size(), "m");
  std::mt19937 random(7);
  for (int round = 0; round < 50; ++round) {
    uint64_t at = random() % 1000;
    ByteReader in(*file, at, bytes.size());
    while (in.remaining() > 0) {
      const uint64_t n = std::min<uint64_t>(in.remaining(), random() % (random() % 4 == 0 ? 200000 : 100));
      if (random() % 5 == 0) {
        in.skip(n, "gap");
      } else {
        ASSERT_EQ(in.string(n, "text"), bytes.substr(at, n));
      }
      at += n;
      ASSERT_EQ(in.position(), at);
    }
  }
}

TEST(ByteReader, StaysInItsPart) {
  const std::string bytes = pattern(100);
  const auto file = open_memory(bytes.data(), bytes.size(), "m");
  ByteReader in(*file, 10, 20);
  EXPECT_EQ(in.string(8, "text"), bytes.substr(10, 8));
  in.about("section", "kv\n");
  EXPECT_ERROR(in.number<uint32_t>("length"), Status::data_loss,
               "m: section \"kv\\x0a\": length at byte 18 needs 4 bytes, but only 2 are left");
  EXPECT_EQ(in.position(), 18u) << "a refused read takes nothing";
  EXPECT_EQ(in.string(2, "text"), bytes.substr(18, 2));
  EXPECT_ERROR(ByteReader(*file, 10, 101), Status::data_loss, "does not fit in its 100 bytes");
  EXPECT_ERROR(ByteReader(*file, 11, 10), Status::data_loss, "does not fit");
}

TEST(ByteReader, HugeLengthsAreRefusedBeforeAllocating) {
  const auto file = open_memory("0123456789", 10, "m");
  ByteReader in(*file, 0, 10);
  for (const uint64_t n : {uint64_t{11}, uint64_t{1} << 40, UINT64_MAX - 7, UINT64_MAX}) {
    EXPECT_ERROR(in.string(n, "text"), Status::data_loss, std::to_string(n) + " bytes");
    EXPECT_ERROR(in.skip(n, "gap"), Status::data_loss, "only 10 are left");
    EXPECT_ERROR(in.require(n, 8, "list"), Status::data_loss, "items of at least 8 bytes");  // n * 8 wraps for some
  }
  in.require(1, 8, "list");
  in.require(0, 8, "list");
  EXPECT_ERROR(in.require(2, 8, "list"), Status::data_loss, "list at byte 0");
}

TEST(ByteReader, ErrorsOfTheFileComeThrough) {
  int calls = 0;
  const auto file = open_callback([&](uint64_t, void*, uint64_t) { return ++calls == 1 ? 5 : 0; }, 10, "r");
  ByteReader in(*file, 0, 10);
  EXPECT_ERROR(in.number<uint8_t>("x"), Status::callback_stop, "returned 5");
  in.number<uint8_t>("x");  // the failed read left nothing behind in the buffer
  EXPECT_EQ(calls, 2);
}

}  // namespace
}  // namespace rustml::base
