#include "formats/safetensors_index.h"

#include <gtest/gtest.h>

#include <random>

#include "../base/expect_error.h"
#include "runtime/deadline.h"

namespace rustml::formats::test {
namespace {

using base::Status;

SafeTensorsIndex read(const std::string& json) {
  runtime::StopSignal stop;
  runtime::Call call{stop, {}};
  return read_safetensors_index(json, "i", call);
}
SafeTensorsIndex read_map(const std::string& map) { return read("{\"metadata\":{\"total_size\":1},\"weight_map\":" + map + '}'); }
SafeTensorsIndex read_shard(const std::string& shard) { return read_map("{\"a\":" + shard + '}'); }

TEST(SafeTensorsIndex, ShardsInOrderOfAppearance) {
  const SafeTensorsIndex index = read(R"({"metadata": {"total_size": 8e9, "more": [{}, [null]]}, "weight_map":
      {"c": "m-2.safetensors", "a": "m-1.safetensors", "b": "m-2.safetensors"}, "later": 0})");
  EXPECT_EQ(index.shards, (std::vector<std::string>{"m-2.safetensors", "m-1.safetensors"}));
  EXPECT_EQ(index.tensors, (std::map<std::string, uint32_t>{{"a", 1}, {"b", 0}, {"c", 0}}));
}

TEST(SafeTensorsIndex, ContradictionsAreDataLoss) {
  EXPECT_ERROR(read(""), Status::data_loss, "i: the JSON text ends too early");
  EXPECT_ERROR(read("[]"), Status::data_loss, "the index has to be an object");
  EXPECT_ERROR(read("{}"), Status::data_loss, "weight_map is missing");
  EXPECT_ERROR(read("{\"metadata\":{}}"), Status::data_loss, "weight_map is missing");
  EXPECT_ERROR(read_map("{}"), Status::data_loss, "weight_map is empty");
  for (const char* wrong : {"[]", "null", "7", "\"model.safetensors\""})
    EXPECT_ERROR(read_map(wrong), Status::data_loss, "weight_map has to be an object");
  EXPECT_ERROR(read("{\"weight_map\":{\"a\":\"x\"},\"weight_map\":{\"a\":\"x\"}}"), Status::data_loss, "weight_map occurs twice");
  EXPECT_ERROR(read_map("{\"a\":\"x\",\"b\":\"x\",\"a\":\"y\"}"), Status::data_loss, "tensor \"a\": it occurs twice");
  for (const char* wrong : {"1", "null", "[\"x\"]", "{}"})
    EXPECT_ERROR(read_shard(wrong), Status::data_loss, "tensor \"a\": its shard has to be a string");
}

TEST(SafeTensorsIndex, ShardsArePlainNames) {
  for (const char* bad : {"", ".", "..", "../x", "a/../../x", "/etc/passwd", "a/b", "./a", "a\\\\b", "..\\\\x", "C:x", "C:\\\\x",
                          "\\\\\\\\host\\\\x", "//host/x", "a\\u0000b", "a\\u002fb", "x:stream"}) {
    EXPECT_ERROR(read_shard('"' + std::string(bad) + '"'), Status::data_loss,
                 "it has to be the plain name of a file in the same directory");
  }
  EXPECT_ERROR(read_shard('"' + std::string(256, 'x') + '"'), Status::data_loss, "plain name");
  for (const char* good : {"a", "model-00001-of-00002.safetensors", "..a", "a..b", "caf\xC3\xA9"})
    EXPECT_EQ(read_shard('"' + std::string(good) + '"').shards, (std::vector<std::string>{good}));
}

TEST(SafeTensorsIndex, Limits) {
  const auto shards = [](int n) {
    std::string map = "{";
    for (int i = 0; i < n; ++i) map += (i ? ",\"" : "\"") + std::to_string(i) + "\":\"s" + std::to_string(i) + '"';
    return map + '}';
  };
  const auto tensors = [](int n) {
    std::string map = "{";
    for (int i = 0; i < n; ++i) map += (i ? ",\"" : "\"") + std::to_string(i) + "\":\"s\"";
    return map + '}';
  };
  EXPECT_EQ(read_map(shards(4096)).shards.size(), 4096u);
  EXPECT_ERROR(read_map(shards(4097)), Status::resource_exhausted, "number of shards is 4097; the limit is 4096");
  EXPECT_ERROR(read_map(shards(100000)), Status::resource_exhausted, "number of shards");
  EXPECT_EQ(read_map(tensors(65536)).tensors.size(), 65536u);
  EXPECT_ERROR(read_map(tensors(65537)), Status::resource_exhausted, "number of tensors is 65537; the limit is 65536");
  EXPECT_ERROR(read_map("{\"" + std::string(4097, 'x') + "\":\"s\"}"), Status::resource_exhausted, "length of a name is 4097");
  EXPECT_ERROR(read("{\"metadata\":" + std::string(10001, '[')), Status::resource_exhausted, "nested deeper than 64");
}

TEST(SafeTensorsIndex, DamageIsRefusedOrSound) {
  const std::string good = "{\"metadata\":{\"total_size\":8},\"weight_map\":{\"a\":\"m-1.safetensors\",\"b\":\"m-2.safetensors\"}}";
  std::mt19937_64 random(3);
  for (size_t i = 0; i < 8 * good.size() + 20000; ++i) {
    std::string bad = good;
    if (i < 8 * good.size()) {
      bad[i / 8] = static_cast<char>(bad[i / 8] ^ 1 << i % 8);
    } else {
      for (uint64_t k = 0; k <= random() % 4; ++k) bad[random() % bad.size()] = "{}[]\":,/\\.0"[random() % 11];
    }
    try {
      const SafeTensorsIndex index = read(bad);
      for (const auto& [name, shard] : index.tensors) ASSERT_LT(shard, index.shards.size());
      for (const std::string& shard : index.shards) ASSERT_EQ(shard.find_first_of("/\\:"), std::string::npos);
    } catch (const base::Error& error) {
      ASSERT_EQ(static_cast<int>(error.status()), static_cast<int>(Status::data_loss)) << error.message();
    }
  }
}

}  // namespace
}  // namespace rustml::formats::test
