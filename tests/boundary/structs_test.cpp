#include "boundary/structs.h"

#include <gtest/gtest.h>

#include <cstring>

#include "base/error.h"

namespace rustml::boundary {
namespace {

using Options = rustml_model_options;

int status_of(const Options& options) {
  try {
    read_struct(&options);
    return RUSTML_OK;
  } catch (const base::Error& e) {
    return static_cast<int>(e.status());
  }
}

TEST(Structs, NullMeansDefaults) {
  EXPECT_EQ(read_struct<Options>(nullptr).warmup, 1u);
  EXPECT_EQ(read_struct<rustml_generation_options>(nullptr).top_p, 1.0f);
}

TEST(Structs, AFieldCountsIfItLiesWhollyInside) {
  Options options = defaults<Options>();
  options.n_threads = 3;
  options.warmup = 0;
  options.memory_limit_bytes = 0x1111111111111111;
  const size_t limit_at = offsetof(Options, memory_limit_bytes);
  for (uint32_t size = 8; size <= sizeof options; ++size) {
    options.struct_size = size;
    const Options read = read_struct(&options);
    EXPECT_EQ(read.n_threads, size >= offsetof(Options, n_threads) + 4 ? 3 : 0) << size;
    EXPECT_EQ(read.warmup, size >= offsetof(Options, warmup) + 4 ? 0u : 1u) << size;
    EXPECT_EQ(read.memory_limit_bytes, size >= limit_at + 8 ? 0x1111111111111111u : 0u) << size;
  }
}

TEST(Structs, FieldsEndWhereTheCompilerHasThem) {
  EXPECT_EQ(whole_fields<rustml_call_options>(offsetof(rustml_call_options, progress)), offsetof(rustml_call_options, progress));
  EXPECT_EQ(whole_fields<rustml_call_options>(offsetof(rustml_call_options, progress) + 7), offsetof(rustml_call_options, progress));
  EXPECT_EQ(whole_fields<rustml_call_options>(kMaxStruct), sizeof(rustml_call_options));
  EXPECT_EQ(whole_fields<rustml_log_options>(offsetof(rustml_log_options, callback)), offsetof(rustml_log_options, callback));
  EXPECT_EQ(whole_fields<rustml_log_options>(offsetof(rustml_log_options, filter) + 8), offsetof(rustml_log_options, filter));
  EXPECT_EQ(whole_fields<rustml_generation_options>(offsetof(rustml_generation_options, top_k) + 4),
            offsetof(rustml_generation_options, top_p));
}

TEST(Structs, SizesOutsideTheRangeAreRefused) {
  Options options = defaults<Options>();
  for (const uint32_t size : {0u, 1u, 4u, 7u, 65537u, UINT32_MAX}) {
    options.struct_size = size;
    EXPECT_EQ(status_of(options), RUSTML_INVALID_ARGUMENT) << size;
  }
}

TEST(Structs, ANewerCallersUnknownFieldIsRefusedUnlessZero) {
  struct Newer {
    Options known;
    uint64_t unknown[2];
  } newer{defaults<Options>(), {0, 0}};
  newer.known.struct_size = sizeof newer;
  EXPECT_EQ(status_of(newer.known), RUSTML_OK);
  newer.unknown[1] = uint64_t{1} << 63;  // the last byte
  EXPECT_EQ(status_of(newer.known), RUSTML_INVALID_ARGUMENT);
}

TEST(Structs, InitWritesWhatFits) {
  alignas(8) unsigned char bytes[128];
  std::memset(bytes, 0xAA, sizeof bytes);
  auto* options = reinterpret_cast<Options*>(bytes);
  EXPECT_EQ(init_struct(options, 20), RUSTML_OK);
  EXPECT_EQ(options->struct_size, 20u);
  EXPECT_EQ(options->warmup, 1u);
  EXPECT_EQ(bytes[20], 0xAA);
  EXPECT_EQ(init_struct(options, 120), RUSTML_OK);
  EXPECT_EQ(options->struct_size, 120u);
  EXPECT_EQ(bytes[119], 0);
  EXPECT_EQ(bytes[120], 0xAA);
  EXPECT_EQ(init_struct<Options>(nullptr, 56), RUSTML_INVALID_ARGUMENT);
  EXPECT_EQ(init_struct(options, 7), RUSTML_INVALID_ARGUMENT);
  EXPECT_EQ(init_struct(options, 65537), RUSTML_INVALID_ARGUMENT);
}

TEST(Structs, OutputFillsExactlyTheCallersBytes) {
  alignas(8) unsigned char bytes[64];
  for (const uint32_t size : {8u, 12u, 16u, 40u}) {
    std::memset(bytes, 0xAA, sizeof bytes);
    auto* out = reinterpret_cast<rustml_token_info*>(bytes);
    out->struct_size = size;
    rustml_token_info value{};
    value.flags = 5;
    value.score = 1.5f;
    OutStruct(out).write(value);
    EXPECT_EQ(out->struct_size, size);
    EXPECT_EQ(out->flags, 5u);
    for (uint32_t i = sizeof(rustml_token_info); i < size; ++i) EXPECT_EQ(bytes[i], 0) << i;
    EXPECT_EQ(bytes[size], 0xAA);
  }
}

}  // namespace
}  // namespace rustml::boundary
