// Golden directories exported, against the GGUF files that tests/golden/make_architectures.py wrote of the same weights with
// PyPI `gguf` and the names, keys and layouts of llama.cpp's converter.
#include "models/gguf_export.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "formats/gguf_writer.h"
#include "made_file.h"

namespace rustml::models {
namespace {

formats::ModelFile golden(const std::string& name) {
  runtime::StopSignal stop;
  runtime::Call call{stop, {}};
  return formats::open_path(std::string(RUSTML_TEST_DATA) + "/../golden/data/architectures/" + name, call);
}

std::vector<std::byte> exported(const formats::ModelFile& file, const ExportTensor& t) {
  std::vector<std::byte> bytes;
  for (int64_t i = 0; i < n_bands(t); ++i) {
    const std::vector<std::byte> band = make_band(file, t, i);
    bytes.insert(bytes.end(), band.begin(), band.end());
  }
  EXPECT_EQ(bytes.size(), t.to.bytes()) << t.to.name;
  return bytes;
}

std::vector<float> floats(const formats::ModelFile& file, const ExportTensor& t) {
  const std::vector<std::byte> bytes = exported(file, t);
  std::vector<float> values(bytes.size() / static_cast<size_t>(tensor::row_bytes(t.to.dtype, 32)) * 32);
  tensor::dequantize(t.to.dtype, bytes.data(), static_cast<int64_t>(values.size()), values.data());
  return values;
}

const ExportTensor& named(const Export& e, const std::string& name) {
  for (const ExportTensor& t : e.tensors)
    if (t.to.name == name) return t;
  throw std::runtime_error("no tensor " + name);
}

TEST(GgufExport, TensorsAndKeysAreThoseOfTheConverter) {
  for (const char* name :
       {"gpt2", "gpt2_bare", "gemma3", "llama", "llama_bias", "llama_yarn", "llama_longrope", "qwen2", "qwen2_yarn", "qwen3"}) {
    SCOPED_TRACE(name);
    const formats::ModelFile file = golden(name), reference = golden(std::string(name) + ".gguf");
    const Export plan = plan_export(file, tensor::DType::f32);
    EXPECT_EQ(plan.tensors.size(), reference.tensors.size());
    for (const ExportTensor& t : plan.tensors) {
      const formats::TensorInfo* expected = reference.find(t.to.name);
      ASSERT_NE(expected, nullptr) << t.to.name;
      EXPECT_EQ(t.to.shape, expected->shape) << t.to.name;
      std::vector<std::byte> bytes(expected->bytes);
      reference.read(*expected, 0, bytes.data(), bytes.size());
      EXPECT_EQ(exported(file, t), bytes) << t.to.name;
    }
    for (const auto& [key, value] : reference.metadata) {
      if (key.starts_with("tokenizer.") || key == "general.name") continue;
      ASSERT_TRUE(plan.metadata.contains(key)) << key;
      EXPECT_EQ(plan.metadata.at(key), value) << key;
    }
  }
}

// llama.cpp refuses a text model with tensors that it has no place for.
TEST(GgufExport, TensorsForImagesAreLeftOut) {
  MadeFile f = llama_file();
  const size_t n = plan_export(f.file(), tensor::DType::f32).tensors.size();
  f.tensor("v.patch_embd.weight", {8, 3, 2, 2}).tensor("mm.0.weight", {32, 8});
  EXPECT_EQ(plan_export(f.file(), tensor::DType::f32).tensors.size(), n);
}

TEST(GgufExport, ANewTypeIsForMatricesWhoseRowsFit) {
  const formats::ModelFile file = golden("gpt2"), odd = golden("gpt2_bare");
  const Export plan = plan_export(file, tensor::DType::q5_1);
  EXPECT_EQ(named(plan, "token_embd.weight").to.dtype, tensor::DType::q5_1);
  EXPECT_EQ(named(plan, "blk.0.attn_qkv.weight").to.dtype, tensor::DType::q5_1);
  EXPECT_EQ(named(plan, "position_embd.weight").to.dtype, tensor::DType::f32);
  EXPECT_EQ(named(plan, "blk.0.attn_qkv.bias").to.dtype, tensor::DType::f32);
  EXPECT_EQ(named(plan, "output_norm.weight").to.dtype, tensor::DType::f32);
  EXPECT_EQ(std::get<uint64_t>(plan.metadata.at("general.file_type")), 9u) << "MOSTLY_Q5_1 of llama.cpp";
  EXPECT_EQ(named(plan_export(odd, tensor::DType::q8_0), "token_embd.weight").to.dtype, tensor::DType::f16) << "rows of 30";

  // Each value within half a step of its block: the range of 32 values in 31 steps, and what halves lose.
  const Export exact = plan_export(file, tensor::DType::f32);
  const std::vector<float> there = floats(file, named(plan, "blk.1.ffn_up.weight")),
                           here = floats(file, named(exact, "blk.1.ffn_up.weight"));
  ASSERT_EQ(there.size(), here.size());
  for (size_t b = 0; b < here.size(); b += 32) {
    const auto [least, most] = std::minmax_element(here.begin() + static_cast<int64_t>(b), here.begin() + static_cast<int64_t>(b) + 32);
    for (size_t i = b; i < b + 32; ++i) ASSERT_NEAR(there[i], here[i], (*most - *least) / 31 * 0.5f + 0.004f * (*most - *least)) << i;
  }
}

TEST(GgufExport, AGgufFileKeepsItsKeysAndWhatHasTheTypeAlready) {
  const formats::ModelFile file = golden("../base_q8_0.gguf");
  const Export plan = plan_export(file, tensor::DType::q8_0);
  ASSERT_EQ(plan.tensors.size(), file.tensors.size());
  for (size_t i = 0; i < plan.tensors.size(); ++i) {
    const formats::TensorInfo& from = file.tensors[i];
    EXPECT_EQ(plan.tensors[i].to.dtype, from.dtype) << from.name;
    std::vector<std::byte> bytes(from.bytes);
    file.read(from, 0, bytes.data(), bytes.size());
    EXPECT_EQ(exported(file, plan.tensors[i]), bytes) << from.name;
  }
  for (const auto& [key, value] : file.metadata) EXPECT_EQ(plan.metadata.at(key), value) << key;
}

TEST(GgufExport, AScaleThatGgufCannotSayIsPutIntoTheNormOfQ) {
  const formats::ModelFile file = golden("gemma3_vision");
  const Export plan = plan_export(file, tensor::DType::f32);
  const ExportTensor& q = named(plan, "blk.3.attn_q_norm.weight");
  EXPECT_FLOAT_EQ(q.times, 0.5f) << "sqrt(head_dim / query_pre_attn_scalar) = sqrt(12 / 48)";
  EXPECT_EQ(q.plus, 1.0f);
  EXPECT_EQ(named(plan, "blk.3.attn_k_norm.weight").times, 1.0f);
}

TEST(GgufExport, WhatGgufHasNoPlaceForIsRefused) {
  for (const auto& [name, why] : {std::pair("mistral", "sliding_window is 24"), {"qwen3_yarn", "truncate is false"}}) {
    const std::string error = error_of([&] { plan_export(golden(name), tensor::DType::f32); });
    EXPECT_EQ(error.substr(0, 3), "12 ") << name;
    EXPECT_NE(error.find(why), std::string::npos) << error;
  }
}

TEST(GgufExport, OfDynamicScalingTheContextWithoutItIsLeft) {
  base::LogRecords records;
  const Export plan = plan_export(golden("llama_dynamic"), tensor::DType::f32);
  EXPECT_EQ(plan.metadata.at("llama.context_length"), formats::Value(uint64_t{256}));
  EXPECT_FALSE(plan.metadata.contains("llama.rope.scaling.type"));
  EXPECT_EQ(records.texts,
            std::vector<std::string>{"GGUF has no dynamic rotary scaling: the file holds the model's first 256 tokens of context"});
}

// Larger than a band: 1,900,032 values.
TEST(GgufExport, BandsOfATensorMakeItWhole) {
  constexpr int64_t kRows = 1536, kCols = 1237, kPairs = 3;
  formats::GgufTensor there{"t", tensor::DType::f32, {kRows, kCols}};
  std::string bytes = formats::gguf_head({{"general.architecture", std::string("llama")}}, {there});
  std::vector<float> values(static_cast<size_t>(kRows * kCols));
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  bytes.append(reinterpret_cast<const char*>(values.data()), there.bytes());
  bytes.append(formats::gguf_padding(there.bytes()), '\0');
  runtime::StopSignal stop;
  runtime::Call call{stop, {}};
  const formats::ModelFile file = formats::open(base::open_memory(bytes.data(), bytes.size(), "whole"), call);

  ExportTensor t;
  t.from = &file.tensors.front();
  t.to = {"t", tensor::DType::f32, {kCols, kRows}};
  t.transposed = true;
  EXPECT_GT(n_bands(t), 1);
  const std::vector<float> transposed = floats(file, t);
  for (int64_t r = 0; r < kCols; ++r)
    for (int64_t k = 0; k < kRows; ++k) ASSERT_EQ(transposed[r * kRows + k], values[k * kCols + r]) << r << ", " << k;

  t.to.shape = {kRows, kCols};
  t.transposed = false;
  t.order = {2 * kPairs};
  EXPECT_GT(n_bands(t), 1);
  const std::vector<float> paired = floats(file, t);
  for (int64_t r = 0; r < kRows; ++r) {  // pair i of a head is the rows 2 i and 2 i + 1, of its halves' i-th rows
    const int64_t head = r / (2 * kPairs) * 2 * kPairs, in_head = r - head;
    const int64_t to = head + 2 * (in_head % kPairs) + in_head / kPairs;
    for (int64_t k = 0; k < kCols; ++k) ASSERT_EQ(paired[to * kCols + k], values[r * kCols + k]) << r << ", " << k;
  }
}

}  // namespace
}  // namespace rustml::models
