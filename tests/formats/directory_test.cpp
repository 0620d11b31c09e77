#include "formats/directory.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

#include "../base/expect_error.h"
#include "directory_builder.h"
#include "safetensors_builder.h"

namespace rustml::formats::test {
namespace {

namespace fs = std::filesystem;
using base::Status;

const std::string kSamples = RUSTML_TEST_DATA "/data/";

// Tensor `name` as floats.
std::vector<float> values(const ModelFile& file, const std::string& name) {
  const TensorInfo& tensor = *file.find(name);
  std::vector<std::byte> bytes(tensor.bytes);
  file.read(tensor, 0, bytes.data(), bytes.size());
  std::vector<float> out(tensor.bytes / (tensor.dtype == tensor::DType::f32 ? 4 : 2));
  tensor::dequantize(tensor.dtype, bytes.data(), static_cast<int64_t>(out.size()), out.data());
  return out;
}
// What make_samples.py puts into each tensor.
std::vector<float> sample(size_t n) {
  std::vector<float> out(n);
  for (size_t i = 0; i < n; ++i) out[i] = static_cast<float>(i % 64) / 4 - 3;
  return out;
}

std::string weights(const std::string& name, const char* dtype = "F16") {
  return safetensors('{' + entry(name, dtype, "[1]", "[0,2]") + '}', "xx");
}
std::string index_of(const std::string& map) { return "{\"weight_map\":{" + map + "}}"; }

// A directory with a model of two shards.
void write_shards(const TemporaryDirectory& directory) {
  directory.write("config.json", "{}");
  directory.write("s1", weights("a"));
  directory.write("s2", weights("b"));
  directory.write("model.safetensors.index.json", index_of(R"("a":"s1","b":"s2")"));
}

TEST(Directory, SampleOfSafetensors) {
  const ModelFile file = open_at(kSamples + "one");
  EXPECT_EQ(file.format, Format::safetensors);
  EXPECT_EQ(file.format_text(), "SafeTensors");
  EXPECT_NE(file.name.find("one"), std::string::npos);
  ASSERT_EQ(file.readers.size(), 1u);
  EXPECT_EQ(file.bytes(), 771u);
  EXPECT_EQ(file.documents, (std::map<std::string, std::string>{{"config.json", "{\"model_type\": \"none\"}"}}));
  const struct {
    const char* name;
    tensor::DType dtype;
    std::vector<int64_t> shape;
    size_t n;
  } kTensors[] = {{"f32", tensor::DType::f32, {3, 4}, 12},
                  {"f16", tensor::DType::f16, {2, 5}, 10},
                  {"bf16", tensor::DType::bf16, {7}, 7},
                  {"scalar", tensor::DType::f32, {}, 1},
                  {"empty", tensor::DType::f32, {0, 4}, 0}};
  ASSERT_EQ(file.tensors.size(), std::size(kTensors));
  for (const auto& wanted : kTensors) {
    const TensorInfo* tensor = file.find(wanted.name);
    ASSERT_NE(tensor, nullptr) << wanted.name;
    EXPECT_EQ(tensor->dtype, wanted.dtype) << wanted.name;
    EXPECT_EQ(tensor->shape, wanted.shape) << wanted.name;
    EXPECT_EQ(values(file, wanted.name), sample(wanted.n)) << wanted.name;
  }
  EXPECT_EQ(file.unsupported,
            (std::map<std::string, std::string>{{"f64", "F64"}, {"f8", "F8_E4M3"}, {"h.0.attn.bias", "BOOL"}, {"i64", "I64"}}));
  EXPECT_ERROR(file.find("i64"), Status::unimplemented, "tensor \"i64\" has type I64");
}

TEST(Directory, ShardsOfHuggingfaceHub) {
  const ModelFile file = open_at(kSamples + "shards/");
  ASSERT_EQ(file.readers.size(), 3u);
  ASSERT_EQ(file.tensors.size(), 6u);
  for (size_t i = 0; i < 6; ++i) {
    const std::string name = "layer." + std::to_string(i) + ".weight";
    EXPECT_EQ(file.find(name)->shape, (std::vector<int64_t>{8, static_cast<int64_t>(i) + 1}));
    EXPECT_EQ(values(file, name), sample(8 * (i + 1))) << name;
  }
  EXPECT_EQ(file.find("layer.0.weight")->file, 0u);
  EXPECT_EQ(file.find("layer.5.weight")->file, 2u);
  EXPECT_EQ(file.bytes(), 448u + 472 + 304);
}

TEST(Directory, DocumentsThatAreThere) {
  const TemporaryDirectory directory;
  directory.write("model.safetensors", weights("a"));
  std::map<std::string, std::string> wanted;
  for (const char* name : {"config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
                           "chat_template.jinja"}) {
    wanted[name] = std::string("text of ") + name;
    directory.write(name, wanted[name]);
  }
  directory.write("README.md", "not read");
  EXPECT_EQ(open_at(directory.path()).documents, wanted);
}

TEST(Directory, OneFileGoesBeforeAnIndex) {
  const TemporaryDirectory directory;
  write_shards(directory);
  directory.write("model.safetensors", weights("whole"));
  EXPECT_NE(open_at(directory.path()).find("whole"), nullptr);
}

TEST(Directory, WhatIsMissingIsNamed) {
  const TemporaryDirectory directory;
  EXPECT_ERROR(open_at(directory.path()), Status::not_found,
               "has no config.json; a model directory has config.json, model.safetensors (or");
  directory.write("m.Q4.gguf", "");
  EXPECT_ERROR(open_at(directory.path()), Status::not_found,
               "has no config.json; it holds only GGUF files, such as \"m.Q4.gguf\": open that file by its own path");
  directory.write("config.json", "{}");
  EXPECT_ERROR(open_at(directory.path()), Status::not_found,
               "has neither model.safetensors nor model.safetensors.index.json; it holds \"m.Q4.gguf\"");
  fs::remove(directory / "m.Q4.gguf");
  EXPECT_ERROR(open_at(directory.path()), Status::not_found, "has neither model.safetensors nor model.safetensors.index.json");
  directory.write("pytorch_model-00002-of-00002.bin", "");
  directory.write("pytorch_model-00001-of-00002.bin", "");
  EXPECT_ERROR(open_at(directory.path()), Status::not_found,
               "it holds \"pytorch_model-00001-of-00002.bin\", a Python pickle, which is not read: save the model again");
  directory.write("model.safetensors.index.json", index_of(R"("a":"s1")"));
  EXPECT_ERROR(open_at(directory.path()), Status::not_found, "has no \"s1\", which model.safetensors.index.json names");
}

TEST(Directory, OnnxIsNamed) {
  const TemporaryDirectory directory;
  directory.write("model.onnx", "");
  EXPECT_ERROR(open_at(directory.path()), Status::unimplemented,
               "has no config.json; it holds only ONNX files, such as \"model.onnx\", and ONNX is not supported yet: open a GGUF file");
  directory.write("config.json", "{}");
  EXPECT_ERROR(open_at(directory.path()), Status::unimplemented, "nor model.safetensors.index.json; it holds \"model.onnx\", and ONNX");
  fs::remove(directory / "model.onnx");
  fs::create_directory(directory / "onnx");
  EXPECT_ERROR(open_at(directory.path()), Status::unimplemented, "it holds \"onnx\", and ONNX is not supported yet");
}

TEST(Directory, FilesBeyondTheirLimit) {
  const TemporaryDirectory directory;
  write_shards(directory);
  const struct {
    const char* name;
    uint64_t most;
  } kLimits[] = {{"config.json", 4 << 20},
                 {"generation_config.json", 4 << 20},
                 {"tokenizer_config.json", 4 << 20},
                 {"special_tokens_map.json", 4 << 20},
                 {"chat_template.jinja", 4 << 20},
                 {"tokenizer.json", 256 << 20},
                 {"model.safetensors.index.json", 64 << 20}};
  for (const auto& limit : kLimits) {
    const std::string before = fs::exists(directory / limit.name) ? "{}" : "";
    directory.write_sparse(limit.name, limit.most + 1);
    EXPECT_ERROR(open_at(directory.path()), Status::resource_exhausted,
                 '"' + std::string(limit.name) + "\" in \"" + directory.path().string() + "\" has " + std::to_string(limit.most + 1) +
                     " bytes; the limit is " + std::to_string(limit.most));
    before.empty() ? (void)fs::remove(directory / limit.name) : directory.write(limit.name, before);
  }
  write_shards(directory);
  directory.write_sparse("config.json", 4 << 20);
  EXPECT_EQ(open_at(directory.path()).documents["config.json"].size(), size_t{4} << 20);
}

TEST(Directory, IndexAndShardsHaveToAgree) {
  const TemporaryDirectory directory;
  write_shards(directory);
  EXPECT_EQ(open_at(directory.path()).tensors.size(), 2u);
  const auto expect = [&](const std::string& map, const char* message) {
    directory.write("model.safetensors.index.json", index_of(map));
    EXPECT_ERROR(open_at(directory.path()), Status::data_loss, message);
  };
  expect(R"("a":"s1","b":"s2","c":"s2")", "tensor \"c\" is not in \"s2\"");
  expect(R"("a":"s2","b":"s1")", "tensor \"b\" is in \"s2\"");
  expect(R"("a":"s1","c":"s2")", "model.safetensors.index.json does not have it");
  expect(R"("a":"s1","b":"../s2")", "its shard is \"../s2\"");
  expect(R"("a":"s1","b":"config.json")", "\"config.json\"");
  directory.write("s2", weights("a"));  // in two shards
  expect(R"("a":"s1","b":"s2")", "tensor \"a\" is in \"s2\"");
  directory.write("s2", weights("b", "I16"));  // the same for types that are not read
  expect(R"("a":"s1","c":"s2")", "tensor \"b\" is in \"s2\"");
  directory.write("model.safetensors.index.json", index_of(R"("a":"s1","b":"s2")"));
  EXPECT_EQ(open_at(directory.path()).unsupported, (std::map<std::string, std::string>{{"b", "I16"}}));
  directory.write("s2", weights("b").substr(0, 50));
  EXPECT_ERROR(open_at(directory.path()), Status::data_loss, "\"s2\" in \"");
}

TEST(Directory, LinksStayInside) {
  const TemporaryDirectory outside, directory;
  write_shards(directory);
  outside.write("config.json", "secret");
  outside.write("s1", weights("a"));
  for (const char* file : {"config.json", "s1", "model.safetensors.index.json"}) {
    const std::string before = (fs::rename(directory / file, directory / "saved"), "saved");
    directory.link(file, before);
    EXPECT_NO_THROW(open_at(directory.path())) << file;  // within the directory
    for (const std::string& target : {outside / "config.json", "../" + outside.path().filename().string() + "/config.json"}) {
      fs::remove(directory / file);
      directory.link(file, target);
      EXPECT_ERROR(open_at(directory.path()), Status::permission_denied, "outside of the model's directory");
    }
    fs::remove(directory / file);
    fs::rename(directory / "saved", directory / file);
  }
  directory.link("tokenizer.json", "a");  // a loop
  directory.link("a", "tokenizer.json");
  EXPECT_ERROR(open_at(directory.path()), Status::not_found, "symbolic links form a loop");
  fs::remove(directory / "a");  // a link to nothing
  EXPECT_ERROR(open_at(directory.path()), Status::not_found, "does not exist");
  fs::remove(directory / "tokenizer.json");
  directory.link("here", ".");  // the directory itself by a link
  EXPECT_NO_THROW(open_at(directory / "here"));
}

TEST(Directory, LinksOfTheHubCache) {
  const TemporaryDirectory cache;
  const std::string repository = "models--a--b/", snapshot = repository + "snapshots/0123/";
  cache.write(repository + "blobs/c", "{}");
  cache.write(repository + "blobs/w", weights("a"));
  cache.write("models--other/blobs/w", weights("a"));
  cache.link(snapshot + "config.json", "../../blobs/c");
  cache.link(snapshot + "model.safetensors", "../../blobs/w");
  EXPECT_NE(open_at(cache / snapshot).find("a"), nullptr);
  cache.link("by_link", snapshot);
  EXPECT_NE(open_at(cache / "by_link").find("a"), nullptr);
  cache.link(snapshot + "sub/config.json", "../../../blobs/c");  // a model in a folder of the repository
  cache.link(snapshot + "sub/model.safetensors", "../../../blobs/w");
  EXPECT_NO_THROW(open_at(cache / (snapshot + "sub")));
  fs::remove(cache / (snapshot + "model.safetensors"));
  cache.link(snapshot + "model.safetensors", "../../../models--other/blobs/w");
  EXPECT_ERROR(open_at(cache / snapshot), Status::permission_denied, "models--other");
  // The same names without blobs are no repository.
  cache.write("x/c", "{}");
  cache.link("x/snapshots/0123/config.json", "../../c");
  EXPECT_ERROR(open_at(cache / "x/snapshots/0123"), Status::permission_denied, "outside");
}

TEST(Directory, WhatIsNoFile) {
  const TemporaryDirectory directory;
  fs::create_directory(directory / "config.json");
  EXPECT_ERROR(open_at(directory.path()), Status::data_loss, "\"config.json\" in \"");
  fs::remove(directory / "config.json");
}

TEST(Directory, WhatMayNotBeRead) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may read everything";
  const TemporaryDirectory directory;
  write_shards(directory);
  fs::permissions(directory / "s1", fs::perms::none);
  EXPECT_ERROR(open_at(directory.path()), Status::permission_denied, "s1");
  fs::permissions(directory / "s1", fs::perms::owner_all);
  fs::permissions(directory.path(), fs::perms::none);
  EXPECT_ERROR(open_at(directory.path()), Status::permission_denied, "config.json");
  fs::permissions(directory.path(), fs::perms::owner_all);
}

// Whatever of it is replaced, written to or led elsewhere while it is opened.
TEST(Directory, AllFilesHaveToStayAsTheyAre) {
  for (const char* name : {"config.json", "tokenizer.json", "generation_config.json", "s1", "model.safetensors.index.json"}) {
    const auto changed_by = [&](const auto& change) {
      const TemporaryDirectory directory;
      write_shards(directory);
      directory.write("tokenizer.json", "{}");
      directory.write("generation_config.json", "{}");
      fs::rename(directory / name, directory / "target");
      directory.link(name, "target");
      const ModelFile file = open_at(directory.path());
      require_unchanged(file);
      fs::copy(directory / "target", directory / "copy");
      change(directory);
      EXPECT_ERROR(require_unchanged(file), Status::data_loss, "changed while it was opened");
    };
    changed_by([](const TemporaryDirectory& d) { fs::rename(d / "copy", d / "target"); });
    changed_by([](const TemporaryDirectory& d) { std::fstream(d / "target", std::ios::in | std::ios::out).put('{'); });
    changed_by([&](const TemporaryDirectory& d) {
      fs::remove(d / name);
      d.link(name, "copy");
    });
    changed_by([&](const TemporaryDirectory& d) { fs::remove(d / name); });
  }
}

TEST(Directory, StopsWhenAsked) {
  runtime::StopSignal stop(nullptr, 1);
  runtime::Call call{stop, {}};
  EXPECT_ERROR(open_path(kSamples + "shards", call), Status::deadline_exceeded, "model load");
}

}  // namespace
}  // namespace rustml::formats::test
