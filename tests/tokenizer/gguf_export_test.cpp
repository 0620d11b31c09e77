// Golden tokenizer.json files exported: the keys are those that tests/golden/make_architectures.py wrote, and the tokenizer read
// back from them says what the one of the directory says.
#include "tokenizer/gguf_export.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "../base/expect_error.h"
#include "tokenizer/tokenizer.h"

namespace rustml::tokenizer {
namespace {

formats::ModelFile golden(const std::string& name) {
  runtime::StopSignal stop;
  runtime::Call call{stop, {}};
  return formats::open_path(std::string(RUSTML_TEST_DATA) + "/../golden/data/architectures/" + name, call);
}

template <class T>
const std::vector<T>& items(const std::map<std::string, formats::Value>& metadata, const std::string& key) {
  return std::get<std::vector<T>>(std::get<std::shared_ptr<const formats::Array>>(metadata.at("tokenizer.ggml." + key))->items);
}

TEST(GgufExport, KeysAreThoseOfTheConverterAndTextsGetTheSameIds) {
  for (const char* name : {"gpt2", "llama", "qwen3", "gemma3"}) {
    SCOPED_TRACE(name);
    const formats::ModelFile file = golden(name), reference = golden(std::string(name) + ".gguf");
    formats::ModelFile made;
    runtime::StopSignal stop;
    runtime::Call call{stop, {}};
    const auto n_tokens = static_cast<int64_t>(items<std::string>(reference.metadata, "tokens").size());
    export_gguf(file, n_tokens, made.metadata, call);
    EXPECT_EQ(items<std::string>(made.metadata, "tokens"), items<std::string>(reference.metadata, "tokens"));
    for (const char* key : {"model", "pre", "bos_token_id", "eos_token_id", "add_bos_token"}) {
      const std::string full = std::string("tokenizer.ggml.") + key;
      ASSERT_TRUE(made.metadata.contains(full)) << key;
      EXPECT_EQ(made.metadata.at(full), reference.metadata.at(full)) << key;
    }
    if (std::string(name) != "gemma3") {
      EXPECT_EQ(items<std::string>(made.metadata, "merges"), items<std::string>(reference.metadata, "merges"));
    }

    const auto one = from_huggingface(file, call), other = from_gguf(made, call);
    EXPECT_EQ(one->stop_ids(), other->stop_ids());
    for (const char* text :
         {"hello world", " two  blanks", "The capital of France is", "tokens, token by token\n\n12345", "Ünïcödé 漢字 🎉", "x"}) {
      EncodeOptions options;
      options.add_special = true;
      EXPECT_EQ(one->encode(text, options, stop).ids, other->encode(text, options, stop).ids) << text;
    }
  }
}

// generation_config.json may name several ends; a file without them would go on where the directory stops.
TEST(GgufExport, AllEndsAreKept) {
  for (const char* name : {"gemma3", "llama", "qwen3"}) {
    SCOPED_TRACE(name);
    formats::ModelFile file = golden(name);
    const auto n_tokens = static_cast<int64_t>(items<std::string>(golden(std::string(name) + ".gguf").metadata, "tokens").size());
    runtime::StopSignal stop;
    runtime::Call call{stop, {}};
    for (const char* ends : {"[40]", "[40, 41]"}) {
      file.documents["generation_config.json"] = std::string(R"({"eos_token_id": )") + ends + "}";
      formats::ModelFile made;
      export_gguf(file, n_tokens, made.metadata, call);
      const std::vector<int32_t> stops = from_huggingface(file, call)->stop_ids();
      EXPECT_TRUE(std::binary_search(stops.begin(), stops.end(), 40));
      EXPECT_EQ(from_gguf(made, call)->stop_ids(), stops);
    }
    file.documents["generation_config.json"] = R"({"eos_token_id": [40, 41, 42]})";
    std::map<std::string, formats::Value> metadata;
    EXPECT_ERROR(export_gguf(file, n_tokens, metadata, call), base::Status::unimplemented, "generation_config.json: eos_token_id");
  }
}

TEST(GgufExport, NothingWithoutATokenizer) {
  formats::ModelFile file = golden("gpt2");
  file.documents.erase("tokenizer.json");
  std::map<std::string, formats::Value> metadata;
  runtime::StopSignal stop;
  runtime::Call call{stop, {}};
  export_gguf(file, 10, metadata, call);
  EXPECT_TRUE(metadata.empty());
}

}  // namespace
}  // namespace rustml::tokenizer
