#include "formats/safetensors.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "../base/expect_error.h"
#include "safetensors_builder.h"

namespace rustml::formats::test {
namespace {

using base::Status;

std::string small_file() {
  const std::string header = "{\"__metadata__\":{\"format\":\"pt\"}," + entry("b", "F32", "[2,3]", "[0,24]") + ',' +
                             entry("mask", "BOOL", "[1,1,2,2]", "[36,40]") + ',' + entry("a", "BF16", "[2]", "[24,28]") + ',' +
                             entry("none", "F16", "[4,0,7]", "[28,28]") + ',' + entry("scalar", "F32", "[]", "[28,32]") + ',' +
                             entry("h\\u0065\\u00e9", "F16", "[2, 1]", "[ 32 ,36 ]") + "}   ";
  std::string data;
  for (char c = 0; c < 40; ++c) data += c;
  return safetensors(header, data);
}

TEST(SafeTensors, TensorsInTheOrderOfTheirData) {
  const std::string bytes = small_file();
  const SafeTensorsHeader header = read_bytes(bytes);
  const uint64_t data = bytes.size() - 40;
  const struct {
    const char* name;
    tensor::DType dtype;
    std::vector<int64_t> shape;
    uint64_t begin, bytes;
  } kWanted[] = {{"b", tensor::DType::f32, {2, 3}, 0, 24},
                 {"a", tensor::DType::bf16, {2}, 24, 4},
                 {"none", tensor::DType::f16, {4, 0, 7}, 28, 0},
                 {"scalar", tensor::DType::f32, {}, 28, 4},
                 {"he\xC3\xA9", tensor::DType::f16, {2, 1}, 32, 4}};
  ASSERT_EQ(header.tensors.size(), std::size(kWanted));
  for (size_t i = 0; i < header.tensors.size(); ++i) {
    EXPECT_EQ(header.tensors[i].name, kWanted[i].name);
    EXPECT_EQ(header.tensors[i].dtype, kWanted[i].dtype) << kWanted[i].name;
    EXPECT_EQ(header.tensors[i].shape, kWanted[i].shape) << kWanted[i].name;
    EXPECT_EQ(header.tensors[i].offset, data + kWanted[i].begin) << kWanted[i].name;
    EXPECT_EQ(header.tensors[i].bytes, kWanted[i].bytes) << kWanted[i].name;
    EXPECT_EQ(header.tensors[i].file, 0u);
  }
  EXPECT_EQ(header.unsupported, (std::map<std::string, std::string>{{"mask", "BOOL"}}));
}

TEST(SafeTensors, EveryTruncationIsDataLoss) {
  const std::string bytes = small_file();
  for (size_t n = 0; n < bytes.size(); ++n) {
    const std::string cut = bytes.substr(0, n);
    EXPECT_ERROR(read_bytes(cut), Status::data_loss, "m");
  }
}

// Whatever a header says must be safe to use.
void expect_sound(const SafeTensorsHeader& header, size_t file_bytes) {
  for (const TensorInfo& tensor : header.tensors) {
    ASSERT_LE(tensor.offset, file_bytes);
    ASSERT_LE(tensor.bytes, file_bytes - tensor.offset);
    ASSERT_LE(tensor.shape.size(), 8u);
    uint64_t elements = 1;
    for (const int64_t dim : tensor.shape) {
      ASSERT_GE(dim, 0);
      elements *= static_cast<uint64_t>(dim);
    }
    ASSERT_EQ(tensor.bytes, elements * (tensor.dtype == tensor::DType::f32 ? 4 : 2));
    ASSERT_FALSE(header.unsupported.contains(tensor.name));
  }
}

void expect_refused_or_sound(const std::string& bytes) {
  try {
    expect_sound(read_bytes(bytes), bytes.size());
  } catch (const base::Error& error) {
    ASSERT_TRUE(error.status() == Status::data_loss || error.status() == Status::unimplemented ||
                error.status() == Status::resource_exhausted)
        << error.message();
  }
}

TEST(SafeTensors, DamageIsRefusedOrSound) {
  const std::string bytes = small_file();
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string bad = bytes;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ 1 << bit % 8);
    expect_refused_or_sound(bad);
  }
  std::mt19937_64 random(17);
  constexpr std::string_view kPieces[] = {
      "0", "1", "[", "]", "{", "}", ",", "\"", "4294967296", "-", "e", "18446744073709551615", "[0,0]", "F16", "\\u0000"};
  for (int i = 0; i < 30000; ++i) {
    std::string bad = bytes;
    for (uint64_t k = 0; k <= random() % 3; ++k) {
      const std::string_view piece = kPieces[random() % std::size(kPieces)];
      bad.replace(8 + random() % (bytes.size() - 60), random() % 2 * piece.size(), piece);
    }
    const uint64_t length = bad.size() - 48;
    if (random() % 2) std::memcpy(bad.data(), &length, sizeof length);
    expect_refused_or_sound(bad);
  }
}

TEST(SafeTensors, StopsWhenAsked) {
  std::string header = "{";
  for (int i = 0; i < 20000; ++i) header += (i ? "," : "") + entry(std::to_string(i), "F32", "[0]", "[0,0]");
  const std::string bytes = safetensors(header + '}');
  runtime::CancelFlag flag;
  const auto read = [&](uint64_t offset, void* buf, uint64_t n) {
    if (offset > 0) flag.trigger(1);  // the header was read, not yet parsed
    std::memcpy(buf, bytes.data() + offset, n);
    return 0;
  };
  const auto file = base::open_callback(read, bytes.size(), "r");
  runtime::StopSignal stop(&flag);
  runtime::Call call{stop, {}};
  EXPECT_ERROR(read_safetensors(*file, "r", call), Status::cancelled, "model load");
  EXPECT_EQ(read_bytes(bytes).tensors.size(), 20000u);
}

TEST(SafeTensors, FaultsOfTheReaderComeThrough) {
  runtime::StopSignal stop;
  runtime::Call call{stop, {}};
  const auto file = base::open_callback([](uint64_t, void*, uint64_t) { return 9; }, 100, "r");
  EXPECT_ERROR(read_safetensors(*file, "r", call), Status::callback_stop, "returned 9");
}

}  // namespace
}  // namespace rustml::formats::test
