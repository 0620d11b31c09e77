// Files whose vocabulary is odd in one harmless way each (make_odd_vocabularies.py): ids and greedy tokens as llama.cpp, and one record.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <map>

#include "base/json.h"
#include "engine.h"

namespace golden {
namespace {

using rustml::base::Json;
const std::string kFolder = std::string(RUSTML_TEST_DATA) + "/data/odd_vocabularies/";

// Records of component rustml::tokenizer while it lives.
struct Records {
  std::vector<std::string> texts;
  Records() {
    rustml_callback callback;
    rustml_callback_init(&callback, sizeof callback);
    callback.user_data = this;
    callback.on_event = [](void* user, const rustml_event* event) -> int32_t {
      static_cast<Records*>(user)->texts.emplace_back(event->text, event->text_len);
      return 0;
    };
    rustml_log_options options;
    rustml_log_options_init(&options, sizeof options);
    const std::string filter = "off,rustml::tokenizer=warn";
    options.filter = {filter.data(), filter.size()};
    options.callback = &callback;
    EXPECT_EQ(rustml_log_set(&options, nullptr), RUSTML_OK);
  }
  ~Records() { rustml_log_set(nullptr, nullptr); }
};

// How each file's records begin.
const std::map<std::string, std::vector<std::string>> kRecords = {
    {"bpe", {}},
    {"spm", {}},
    {"bpe_empty_tokens", {"tokenizer.ggml.tokens: 2 are empty"}},
    {"spm_empty_tokens", {"tokenizer.ggml.tokens: 2 are empty"}},
    {"bpe_ids_outside",
     {"tokenizer.ggml.eos_token_id 999, tokenizer.ggml.unknown_token_id 2147483648, tokenizer.ggml.eot_token_id 30, "
      "tokenizer.ggml.eom_token_id 4294967295: the vocabulary has 30 tokens"}},
    {"spm_ids_outside",
     {"tokenizer.ggml.bos_token_id 999, tokenizer.ggml.eos_token_id 2147483648: the vocabulary has 32 tokens",
      "tokenizer.ggml.bos_token_id 1 \"<s>\", tokenizer.ggml.eos_token_id 2 \"</s>\": taken"}},
    {"spm_no_ids", {"tokenizer.ggml.bos_token_id 1 \"<s>\", tokenizer.ggml.eos_token_id 2 \"</s>\": taken"}},
    {"bpe_type_0", {"tokenizer.ggml.token_type: 25 tokens have type 0"}},
    {"spm_type_0", {"tokenizer.ggml.token_type: 32 tokens have type 0"}},
    {"spm_no_types", {"tokenizer.ggml.token_type: missing; tokens <0xNN> (4)"}},
    {"bpe_lost_tokens", {"tokenizer.ggml.merges: 7 of 16 name a token that the vocabulary lacks, the first is entry 1, \"ab c\""}},
    {"bpe_long_arrays", {"tokenizer.ggml.token_type: ", "tokenizer.ggml.scores: "}},
    {"spm_long_arrays", {"tokenizer.ggml.token_type: ", "tokenizer.ggml.scores: "}},
    {"spm_no_scores", {"tokenizer.ggml.scores: missing"}},
    {"spm_infinite_scores", {}},
};

std::vector<int32_t> ids_of(const Json& list) {
  std::vector<int32_t> ids;
  for (const Json& id : list.items) ids.push_back(static_cast<int32_t>(id.integer));
  return ids;
}

TEST(OddVocabularies, AsLlamaCpp) {
  std::ifstream in(kFolder + "odd.json", std::ios::binary);
  const Json files = rustml::base::parse_json(std::string(std::istreambuf_iterator<char>(in), {}), "odd.json");
  ASSERT_EQ(files.members.size(), kRecords.size());
  for (const auto& [name, reference] : files.members) {
    SCOPED_TRACE(name);
    Records records;
    const Model model(kFolder + name + ".gguf");
    const std::vector<std::string>& expected = kRecords.at(name);
    ASSERT_EQ(records.texts.size(), expected.size()) << testing::PrintToString(records.texts);
    for (size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(records.texts[i].find(expected[i]), 0u) << records.texts[i];
    for (const Json& encoding : reference.find("encodings")->items) {
      const uint32_t special = encoding.items[1].boolean ? RUSTML_ENCODE_PARSE_SPECIAL : 0;
      EXPECT_EQ(model.encode(encoding.items[0].string, RUSTML_ENCODE_ADD_SPECIAL | special), ids_of(encoding.items[2]))
          << encoding.items[0].string;
    }
    const std::vector<int32_t> greedy = ids_of(*reference.find("greedy"));
    std::vector<int32_t> chosen;
    Session(model).greedy(ids_of(reference.find("encodings")->items[0].items[2]), greedy.size(), 1, chosen);
    EXPECT_EQ(chosen, greedy);
  }
}

}  // namespace
}  // namespace golden
