#include "formats/gguf.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <random>

#include "../base/expect_error.h"
#include "../base/log_records.h"
#include "../real_files.h"
#include "gguf_builder.h"
#include "open_bytes.h"

namespace rustml::formats::test {
namespace {

using base::Status;

// One of everything, small enough for exhaustive damage.
std::string small_file(uint32_t version = 3) {
  return gguf({key("general.alignment", U32, raw(uint32_t{16})),
               architecture(),
               key("u8", U8, raw(uint8_t{200})),
               key("i8", I8, raw(int8_t{-100})),
               key("u16", U16, raw(uint16_t{60000})),
               key("i16", I16, raw(int16_t{-30000})),
               key("i32", I32, raw(int32_t{-2000000000})),
               key("f32", F32, raw(0.1f)),
               key("yes", BOOL, "\1"),
               key("u64", U64, raw(UINT64_MAX)),
               key("i64", I64, raw(INT64_MIN)),
               key("f64", F64, raw(0.1)),
               array("tokens", STR, 3, text("a") + text("") + text("\xC4\xA0x")),
               array("types", I32, 2, raw(int32_t{1}) + raw(int32_t{-3})),
               array("scores", F32, 2, raw(-1.5f) + raw(0.25f)),
               array("flags", BOOL, 3, std::string("\1\0\1", 3)),
               array("bytes", U8, 2, "\xFF\1"),
               array("signed", I8, 2, "\xFF\1"),
               array("words", U16, 1, raw(uint16_t{65535})),
               array("longs", U64, 1, raw(UINT64_MAX)),
               array("none", STR, 0, "")},
              {tensor("b", {32, 2}, T_Q8_0, 32), tensor("a", {2, 3}, T_F32, 0), tensor("c", {4, 1, 2, 1}, T_F16, 112)}, zeros(128), 16,
              version);
}

TEST(Gguf, KeysThatAreNotAsciiAreReadAndNamedOnce) {
  const base::LogRecords records;
  const std::string keys = key("\xC3\xA9", STR, text("\xC3\xBC")) + key("\xE2\x82\xAC", U8, "1");
  const ModelFile file = open_bytes(header(0, 2) + keys);
  EXPECT_EQ(file.require_string("\xC3\xA9"), "\xC3\xBC");
  EXPECT_EQ(file.require_uint("\xE2\x82\xAC"), static_cast<uint64_t>('1'));
  ASSERT_EQ(records.texts.size(), 1u);
  EXPECT_NE(records.texts[0].find("key \"\xC3\xA9\" is not ASCII"), std::string::npos) << records.texts[0];
}

template <class T>
std::vector<T> items(const ModelFile& file, const std::string& name) {
  return std::get<std::vector<T>>(std::get<std::shared_ptr<const Array>>(file.metadata.at(name))->items);
}

TEST(Gguf, ReadsEveryKindOfValue) {
  for (const uint32_t version : {2u, 3u}) {
    const std::string bytes = small_file(version);
    const ModelFile file = open_bytes(bytes);
    EXPECT_EQ(file.format_text(), "GGUF v" + std::to_string(version));
    EXPECT_EQ(file.metadata.size(), 21u);
    EXPECT_EQ(file.require_string("general.architecture"), "gpt2");
    EXPECT_EQ(file.require_uint("u8"), 200u);
    EXPECT_EQ(std::get<int64_t>(file.metadata.at("i8")), -100);
    EXPECT_EQ(file.require_uint("u16"), 60000u);
    EXPECT_EQ(std::get<int64_t>(file.metadata.at("i16")), -30000);
    EXPECT_EQ(std::get<int64_t>(file.metadata.at("i32")), -2000000000);
    EXPECT_EQ(file.require_float("f32"), static_cast<double>(0.1f));
    EXPECT_TRUE(file.get_bool("yes", false));
    EXPECT_EQ(file.require_uint("u64"), UINT64_MAX);
    EXPECT_EQ(std::get<int64_t>(file.metadata.at("i64")), INT64_MIN);
    EXPECT_EQ(file.require_float("f64"), 0.1);
    EXPECT_EQ(items<std::string>(file, "tokens"), (std::vector<std::string>{"a", "", "\xC4\xA0x"}));
    EXPECT_EQ(items<int64_t>(file, "types"), (std::vector<int64_t>{1, -3}));
    EXPECT_EQ(items<double>(file, "scores"), (std::vector<double>{-1.5, 0.25}));
    EXPECT_EQ(items<bool>(file, "flags"), (std::vector<bool>{true, false, true}));
    EXPECT_EQ(items<uint8_t>(file, "bytes"), (std::vector<uint8_t>{255, 1}));
    EXPECT_EQ(items<int8_t>(file, "signed"), (std::vector<int8_t>{-1, 1}));
    EXPECT_EQ(items<uint64_t>(file, "words"), (std::vector<uint64_t>{65535}));
    EXPECT_EQ(items<uint64_t>(file, "longs"), (std::vector<uint64_t>{UINT64_MAX}));
    EXPECT_TRUE(items<std::string>(file, "none").empty());
  }
}

TEST(Gguf, TensorsInFileOrderWithTheirPlaces) {
  std::string bytes = small_file();
  const size_t data = bytes.size() - 128;
  ASSERT_EQ(data % 16, 0u);
  const float values[] = {1, 2, 3, 4, 5, 6};
  bytes.replace(data, sizeof values, reinterpret_cast<const char*>(values), sizeof values);
  const ModelFile file = open_bytes(bytes);
  ASSERT_EQ(file.tensors.size(), 3u);
  EXPECT_EQ(file.tensors[0].name, "b");
  EXPECT_EQ(file.tensors[0].dtype, tensor::DType::q8_0);
  EXPECT_EQ(file.tensors[0].shape, (std::vector<int64_t>{2, 32}));
  EXPECT_EQ(file.tensors[0].bytes, 68u);
  EXPECT_EQ(file.tensors[0].offset, data + 32);
  EXPECT_EQ(file.tensors[2].shape, (std::vector<int64_t>{1, 2, 1, 4}));
  EXPECT_EQ(file.tensors[2].bytes, 16u);
  const TensorInfo* a = file.find("a");
  ASSERT_NE(a, nullptr);
  EXPECT_EQ(a, &file.tensors[1]);
  EXPECT_EQ(a->shape, (std::vector<int64_t>{3, 2}));
  float read[6];
  file.read(*a, 0, read, a->bytes);
  EXPECT_EQ(std::vector<float>(read, read + 6), std::vector<float>(values, values + 6));
  EXPECT_EQ(file.find("z"), nullptr);
}

TEST(Gguf, EveryTruncationIsDataLoss) {
  const std::string bytes = small_file();
  for (size_t n = 0; n < bytes.size(); ++n) {
    const std::string cut = bytes.substr(0, n);
    EXPECT_ERROR(open_bytes(cut), Status::data_loss, "m");
  }
  EXPECT_NO_THROW(open_bytes(bytes));
}

// Whatever a ModelFile says must be safe to use.
void expect_sound(const ModelFile& file) {
  ASSERT_EQ(file.index.size(), file.tensors.size());
  for (const TensorInfo& tensor : file.tensors) {
    ASSERT_LE(tensor.offset, file.bytes());
    ASSERT_LE(tensor.bytes, file.bytes() - tensor.offset);
    ASSERT_GE(tensor.shape.size(), 1u);
    ASSERT_LE(tensor.shape.size(), 4u);
    int64_t elements = 1;
    for (const int64_t dim : tensor.shape) ASSERT_FALSE(dim <= 0 || __builtin_mul_overflow(elements, dim, &elements));
    ASSERT_EQ(tensor.bytes, static_cast<uint64_t>(tensor::row_bytes(tensor.dtype, elements)));
    ASSERT_EQ(file.find(tensor.name), &tensor);
  }
}

TEST(Gguf, EverySingleBitFlipIsRefusedOrSound) {
  const std::string bytes = small_file();
  int refused = 0;
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string bad = bytes;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ 1 << bit % 8);
    try {
      expect_sound(open_bytes(bad));
    } catch (const base::Error& error) {
      ++refused;
      ASSERT_TRUE(error.status() == Status::data_loss || error.status() == Status::unimplemented ||
                  error.status() == Status::resource_exhausted)
          << error.message();
    }
  }
  EXPECT_GT(refused, 1000);
}

TEST(Gguf, RandomDamageIsRefusedOrSound) {
  const std::string bytes = small_file();
  std::mt19937_64 random(17);
  for (int i = 0; i < 50000; ++i) {
    std::string bad = bytes;
    const uint64_t kinds[] = {0, 1, 0x7F, 0x80, 0xFF, random() & 0xFF};
    for (uint64_t k = 0; k <= random() % 8; ++k) bad[random() % bad.size()] = static_cast<char>(kinds[random() % 6]);
    if (random() % 4 == 0) {  // a whole number replaced
      const uint64_t numbers[] = {0, 1, UINT64_MAX, uint64_t{1} << 63, uint64_t{1} << 32, random()};
      const std::string number = raw(numbers[random() % 6]);
      bad.replace(random() % (bad.size() - 8), 8, number);
    }
    try {
      expect_sound(open_bytes(bad));
    } catch (const base::Error&) {
    }
  }
}

TEST(Gguf, StopsWhenAsked) {
  std::string payload;
  for (int i = 0; i < 200000; ++i) payload += text("token");
  const std::string bytes = gguf({array("tokens", STR, 200000, payload)}, {});
  runtime::CancelFlag flag;
  const auto open_with = [&](runtime::StopSignal& stop, int cancel_at_read) {
    int reads = 0;
    runtime::Call call{stop, {}};
    const auto read = [&](uint64_t offset, void* buf, uint64_t n) {
      if (++reads == cancel_at_read) flag.trigger(1);
      std::memcpy(buf, bytes.data() + offset, n);
      return 0;
    };
    try {
      open(base::open_callback(read, bytes.size(), "r"), call);
    } catch (...) {
      EXPECT_LE(reads, cancel_at_read + 2);
      throw;
    }
  };
  {
    runtime::StopSignal stop(&flag);
    open_with(stop, 1000);
    EXPECT_ERROR(open_with(stop, 10), Status::cancelled, "model load");
  }
  runtime::StopSignal late(nullptr, 1);
  EXPECT_ERROR(open_with(late, 0), Status::deadline_exceeded, "model load");
}

TEST(Gguf, FaultsOfTheReaderComeThrough) {
  const std::string bytes = small_file();
  runtime::StopSignal stop;
  runtime::Call call{stop, {}};
  EXPECT_ERROR(open(base::open_callback([](uint64_t, void*, uint64_t) { return 9; }, bytes.size(), "r"), call), Status::callback_stop,
               "returned 9");
}

TEST(Gguf, SmolLM2) {
  SMOLLM2_OR_SKIP(path);
  runtime::StopSignal stop;
  runtime::Call call{stop, {}};
  const ModelFile file = open(base::open_file(path), call);
  std::map<tensor::DType, int> counts;  // as the PyPI package gguf lists them
  for (const TensorInfo& tensor : file.tensors) ++counts[tensor.dtype];
  EXPECT_EQ(counts, (std::map<tensor::DType, int>{{tensor::DType::q4_1, 210}, {tensor::DType::f32, 61}, {tensor::DType::q8_0, 1}}));
  expect_sound(file);
  EXPECT_EQ(file.require_string("general.architecture"), "llama");
  EXPECT_EQ(file.require_uint("llama.block_count"), 30u);
  EXPECT_EQ(file.require_uint("llama.feed_forward_length"), 1536u);
  EXPECT_EQ(file.require_float("llama.rope.freq_base"), 100000.0);
  EXPECT_EQ(items<std::string>(file, "tokenizer.ggml.tokens").size(), 49152u);
  EXPECT_EQ(file.find("token_embd.weight")->shape, (std::vector<int64_t>{49152, 576}));
}

}  // namespace
}  // namespace rustml::formats::test
