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

// The golden tokenizer.json with these steps and this normalizer, exported: the name, after the ids of both were compared.
std::string exported_name(const std::string& steps, const std::string& normalizer, bool ignore_merges = false) {
  formats::ModelFile file = golden("gpt2"), made;
  std::string& text = file.documents["tokenizer.json"];
  const size_t begin = text.find("\"normalizer\""), end = text.find(",\"post_processor\"");
  text = text.substr(0, begin) + R"("normalizer":)" + normalizer + R"(,"pre_tokenizer":{"type":"Sequence","pretokenizers":[)" + steps +
         R"({"type":"ByteLevel","add_prefix_space":false,"use_regex":false}]})" + text.substr(end);
  const std::string off = "\"ignore_merges\":false";
  if (ignore_merges) text.replace(text.find(off), off.size(), "\"ignore_merges\":true");
  runtime::StopSignal stop;
  runtime::Call call{stop, {}};
  export_gguf(file, 331, made.metadata, call);
  const auto one = from_huggingface(file, call), other = from_gguf(made, call);
  for (const char* sample : {"It's  1234567 caf\u0065\u0301 \u6F22\u5B57\u304B\n\n x", "HelloWORLD'LL \t\u00BD!?\r\n"})
    EXPECT_EQ(one->encode(sample, {}, stop).ids, other->encode(sample, {}, stop).ids) << sample;
  return std::get<std::string>(made.metadata.at("tokenizer.ggml.pre"));
}

std::string split(const std::string& pattern, const std::string& how = R"("Isolated","invert":false)") {
  return R"({"type":"Split","pattern":{"Regex":")" + pattern + R"("},"behavior":)" + how + "},";
}

// The steps of published files, written as they stand there.
TEST(GgufExport, StepsAndNormalizersHaveNames) {
  const std::string contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)", removed = R"("Removed","invert":true)", nfc = R"({"type":"NFC"})";
  const std::string blanks = R"(|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+)", rest = R"(| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*)" + blanks;
  const std::string qwen2 = contractions + R"(|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N})" + rest;
  const std::string llama3 = contractions + R"(|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3})" + rest;
  const std::string upper = R"([^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}])", lower = R"([\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}])";
  const std::string marks = R"(| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*)" + blanks;
  const std::string tekken = upper + "*" + lower + "+|" + upper + "+" + lower + R"(*|\\p{N})" + marks;
  const std::string o200k =
      upper + "*" + lower + "+" + contractions + "?|" + upper + "+" + lower + "*" + contractions + R"(?|\\p{N}{1,3})" + marks;
  EXPECT_EQ(exported_name(split(qwen2), nfc), "qwen2");
  EXPECT_EQ(exported_name(split(qwen2), "null"), "stablelm2");
  EXPECT_EQ(exported_name(split(llama3), "null", true), "llama-bpe");
  EXPECT_EQ(exported_name(split(llama3, removed), R"({"type":"Sequence","normalizers":[]})"), "smaug-bpe");
  EXPECT_EQ(exported_name(split(tekken), "null", true), "tekken");
  EXPECT_EQ(exported_name(split(o200k, removed), "null"), "gpt-4o");
  const std::string deepseek = R"([!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+)"
                               R"(| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+)";
  EXPECT_EQ(exported_name(split(R"(\\p{N}{1,3})") + split("[一-龥぀-ゟ゠-ヿ]+") + split(deepseek), "null"), "deepseek-v3");
  EXPECT_ERROR(exported_name(split(llama3), nfc), base::Status::unimplemented, "tokenizer.json: pre_tokenizer: GGUF files have no name");
  EXPECT_ERROR(exported_name(split("x+"), "null"), base::Status::unimplemented, "tokenizer.json: pre_tokenizer");
  EXPECT_ERROR(exported_name(split(qwen2), R"({"type":"Lowercase"})"), base::Status::unimplemented, "GGUF files have no name");
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
