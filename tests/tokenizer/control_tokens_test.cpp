// Control tokens that a file does not mark as such, and pieces that only look like them: on small vocabularies, and on Gemma 3's own
// against PyPI `tokenizers` (make_turns.py).
#include "tokenizer/control_tokens.h"

#include <algorithm>

#include "../real_files.h"
#include "base/log.h"
#include "fixtures.h"

namespace {

using namespace fixtures;
using rustml::tokenizer::kSpecial;
using rustml::tokenizer::kStop;
using Ids = std::vector<int32_t>;

constexpr const char* kTemplate =
    "{{ bos_token }}{% for m in messages %}<start_of_turn>{{ m.role }}\n{{ m.content }}<end_of_turn>\n{% endfor %}";

// Gemma 3 as Google's QAT files have it: turn tokens of type NORMAL, end of text named, tags user-defined.
struct Qat {
  ByteVocabulary v;
  int32_t eos = v.add("<eos>", kControl), start = v.add("<start_of_turn>", kNormal), end = v.add("<end_of_turn>", kNormal),
          open = v.add("<s>", kUserDefined), close = v.add("</s>", kUserDefined);
  ModelFile file = v.file();
  Qat() {
    file.metadata["tokenizer.ggml.eos_token_id"] = static_cast<uint64_t>(eos);
    file.metadata["tokenizer.chat_template"] = std::string(kTemplate);
  }
};

// Info records of component "rustml" while it lives.
struct Records {
  std::vector<std::string> texts;
  Records() {
    rustml::base::log_set("rustml=info", [this](const rustml::base::LogRecord& record) {
      if (std::string(record.component) == "rustml") texts.push_back(record.text);
    });
  }
  ~Records() { rustml::base::log_set("", {}); }
};

TEST(ControlTokens, TurnTokensOfTypeNormalThatTheTemplateHas) {
  const Qat q;
  const Records records;
  const rustml::base::ApiScope scope;
  const auto t = load(q.file);
  EXPECT_EQ(encode(*t, "<start_of_turn>a<end_of_turn>", {.parse_special = true}), (Ids{q.start, q.v.id("a"), q.end}));
  EXPECT_EQ(encode(*t, "<end_of_turn>").size(), 13u) << "what people write stays text";
  EXPECT_EQ(t->token_flags(q.end), kSpecial | kStop);
  EXPECT_EQ(t->token_flags(q.start), static_cast<uint32_t>(kSpecial));
  EXPECT_EQ(t->stop_ids(), (Ids{0, q.eos, q.end}));
  const Ids turn{q.start, q.v.id("a"), q.end};
  EXPECT_EQ(t->decode(turn.data(), turn.size(), true), "a");
  ASSERT_EQ(records.texts.size(), 1u);
  EXPECT_NE(records.texts[0].find("\"<start_of_turn>\" (259, type 1), \"<end_of_turn>\" (260, type 1)"), std::string::npos)
      << records.texts[0];
}

TEST(ControlTokens, NothingIsSaidOfFilesThatMarkThem) {
  const Records records;
  const rustml::base::ApiScope scope;
  EXPECT_EQ(load(ByteVocabulary().file())->stop_ids(), (Ids{0}));
  EXPECT_TRUE(records.texts.empty());
}

TEST(ControlTokens, OfEveryTypeThatTheFileNames) {
  for (const int64_t type : {kNormal, kUnknown, kUserDefined, int64_t{5}, kByte}) {
    for (const char* key : {"bos", "eos", "eot", "eom"}) {
      for (const char* text : {"</s>", "<|eot_id|>", "<|im_end|>"}) {
        SCOPED_TRACE(testing::Message() << text << " of type " << type << " as " << key);
        ByteVocabulary v;
        v.tokens[0] = "<|other|>";
        const int32_t id = v.add(text, type);
        ModelFile file = v.file();
        file.metadata[std::string("tokenizer.ggml.") + key + "_token_id"] = static_cast<uint64_t>(id);
        const auto t = load(file);
        EXPECT_EQ(encode(*t, text, {.parse_special = true}), (Ids{id}));
        EXPECT_GT(encode(*t, text).size(), 1u);
        const bool ends = std::string(key) != "bos" || std::string(text) != "</s>";
        EXPECT_EQ(t->token_flags(id), ends ? kSpecial | kStop : static_cast<uint32_t>(kSpecial));
      }
    }
  }
}

TEST(ControlTokens, NamedTemplatesCount) {
  Qat q;
  q.file.metadata["tokenizer.chat_template"] = std::string("{{ messages }}");
  q.file.metadata["tokenizer.chat_template.tool_use"] = std::string(kTemplate);
  EXPECT_EQ(encode(*load(q.file), "<end_of_turn>", {.parse_special = true}), (Ids{q.end}));
}

TEST(ControlTokens, WhatTheFileSaysNothingOfStaysAsItIs) {
  Qat q;
  const int32_t other = q.v.add("<|im_end|>2", kNormal), tool = q.v.add("<|end|>", kNormal);
  ModelFile file = q.v.file();
  file.metadata["tokenizer.chat_template"] = std::string(kTemplate);
  const auto t = load(file);
  EXPECT_EQ(t->token_flags(other), 0u);
  EXPECT_EQ(t->token_flags(tool), 0u) << "neither named nor in the template";
  EXPECT_EQ(encode(*t, "<|end|>", {.parse_special = true}).size(), 7u);
}

// Without a template and ends of turns there is nothing that could confirm them, and no vocabulary has such a piece for another reason.
TEST(ControlTokens, FilesThatCannotTellAreTakenAtTheirWord) {
  Qat q;
  q.file.metadata.erase("tokenizer.chat_template");
  const auto t = load(q.file);
  EXPECT_EQ(t->stop_ids(), (Ids{0, q.eos, q.end}));
  EXPECT_EQ(encode(*t, "<start_of_turn>", {.parse_special = true}), (Ids{q.start}));
  EXPECT_EQ(encode(*t, "<s>"), (Ids{q.open})) << "tags are never taken so";
  q.file.metadata["tokenizer.ggml.eot_token_id"] = static_cast<uint64_t>(q.eos);
  EXPECT_EQ(load(q.file)->stop_ids(), (Ids{0, q.eos})) << "this file names the end of its turns";
}

TEST(ControlTokens, TagsAreOrdinaryPieces) {
  const Qat q;
  const auto t = load(q.file);
  for (const bool trusted : {false, true})
    EXPECT_EQ(encode(*t, "<s>a</s>", {.parse_special = trusted}), (Ids{q.open, q.v.id("a"), q.close}));
  const Ids ids{q.open, q.v.id("a"), q.close};
  EXPECT_EQ(t->decode(ids.data(), ids.size(), true), "<s>a</s>");
  EXPECT_EQ(t->token_flags(q.close) & kStop, 0u);
}

// Snapshots of before stay those of the same tokenizer: the file says what it said.
TEST(ControlTokens, FingerprintsAreOfWhatTheFileSays) {
  Qat q;
  const auto mended = load(q.file);
  q.file.metadata["tokenizer.chat_template"] = std::string("{{ messages }}");
  const auto plain = load(q.file);
  EXPECT_NE(mended->stop_ids(), plain->stop_ids());
  EXPECT_EQ(mended->fingerprint_low(), plain->fingerprint_low());
  EXPECT_EQ(mended->fingerprint_high(), plain->fingerprint_high());
}

ModelFile sentencepiece(std::vector<std::string> tokens, std::vector<int64_t> types) {
  ModelFile file;
  file.metadata["tokenizer.ggml.model"] = std::string("llama");
  file.metadata["tokenizer.ggml.scores"] = array(std::vector<double>(tokens.size(), -1));
  file.metadata["tokenizer.ggml.add_space_prefix"] = false;
  file.metadata["tokenizer.ggml.add_bos_token"] = false;
  file.metadata["tokenizer.ggml.unknown_token_id"] = uint64_t{0};
  file.metadata["tokenizer.ggml.tokens"] = array(std::move(tokens));
  file.metadata["tokenizer.ggml.token_type"] = array(std::move(types));
  return file;
}

// <end_of_turn> by merging parts that people wrote, of a type that merging would take.
TEST(ControlTokens, SentencePieceNeverMakesOneFromParts) {
  for (const int64_t type : {kNormal, kUserDefined, kControl}) {
    SCOPED_TRACE(type);
    std::vector<std::string> tokens{"<unk>"};
    std::vector<int64_t> types{kUnknown};
    const std::string turn = "<end_of_turn>";
    for (const char c : std::string("<end_oftur>")) {
      if (std::find(tokens.begin(), tokens.end(), std::string(1, c)) == tokens.end()) tokens.emplace_back(1, c);
    }
    for (size_t n = 2; n < turn.size(); ++n) tokens.push_back(turn.substr(0, n));
    types.resize(tokens.size(), kNormal);
    tokens.push_back(turn);
    types.push_back(type);
    const auto id = static_cast<int32_t>(tokens.size() - 1);
    ModelFile file = sentencepiece(tokens, types);
    file.metadata["tokenizer.chat_template"] = std::string(kTemplate);
    const auto t = load(file);
    EXPECT_EQ(encode(*t, turn, {.parse_special = true}), (Ids{id}));
    EXPECT_EQ(encode(*t, turn), (Ids{id - 1, static_cast<int32_t>(std::find(tokens.begin(), tokens.end(), ">") - tokens.begin())}));
    EXPECT_EQ(t->stop_ids(), (Ids{id}));
  }
}

void compare_with_tokenizers(const Tokenizer& t) {
  size_t n = 0, n_turns = 0, n_tags = 0;
  for (Data data("gemma3_turns.bin"); data.more(); ++n) {
    const std::string text(data.text());
    for (const bool trusted : {true, false}) {
      Ids expected(data.varint());
      for (int32_t& id : expected) id = static_cast<int32_t>(data.varint());
      ASSERT_EQ(encode(t, text, {.parse_special = trusted}), expected) << text << (trusted ? "" : " (not trusted)");
      n_turns += static_cast<size_t>(std::count(expected.begin(), expected.end(), 106));
      n_tags += static_cast<size_t>(std::count(expected.begin(), expected.end(), 212));
    }
  }
  EXPECT_EQ(n, 400u);
  EXPECT_GT(n_turns, 50u);
  EXPECT_GT(n_tags, 100u);
  EXPECT_EQ(t.token_flags(212) & kStop, 0u);
  const int32_t close = 212;
  EXPECT_EQ(t.decode(&close, 1, true), "</s>");
}

TEST(ControlTokens, Gemma3TokenizerJsonAsTokenizers) {
  TOKENIZERS_OR_SKIP(folder);
  compare_with_tokenizers(*load_huggingface({{"tokenizer.json", read_file(folder + "/gemma3/tokenizer.json")},
                                             {"tokenizer_config.json", read_file(folder + "/gemma3/tokenizer_config.json")}}));
}

TEST(ControlTokens, Gemma3GgufAsTokenizersEvenWithTurnTokensOfTypeNormal) {
  GEMMA3_270M_OR_SKIP(path);
  rustml::runtime::StopSignal stop;
  rustml::runtime::Call call{stop, {}};
  ModelFile file = rustml::formats::open_path(path, call);
  const auto as_it_is = load(file);
  compare_with_tokenizers(*as_it_is);
  EXPECT_EQ(as_it_is->stop_ids(), (Ids{1, 106}));
  file.metadata["tokenizer.chat_template"] = std::string(kTemplate);
  auto types = std::get<std::vector<int64_t>>(std::get<std::shared_ptr<const Array>>(file.metadata.at("tokenizer.ggml.token_type"))->items);
  types.at(105) = types.at(106) = kNormal;
  file.metadata["tokenizer.ggml.token_type"] = array(std::move(types));
  const auto qat = load(file);
  compare_with_tokenizers(*qat);
  EXPECT_EQ(qat->stop_ids(), (Ids{1, 106}));
}

// A tokenizer.json whose </s> and <|im_end|> are what `added` and `others` make them. Ids 0 to 4: <, /, s, >, </s>; 5: <|im_end|>.
std::unique_ptr<Tokenizer> directory(const std::string& added, std::map<std::string, std::string> others) {
  others["tokenizer.json"] = R"({"version":"1.0","added_tokens":[)" + added +
                             R"(],"model":{"type":"BPE","vocab":{"<":0,"/":1,"s":2,">":3,"</s>":4,"<|im_end|>":5},"merges":[]}})";
  return load_huggingface(std::move(others));
}

TEST(ControlTokens, DirectoriesWhoseAddedTokensDoNotSaySpecial) {
  const std::string added = R"({"id":4,"content":"</s>"},{"id":5,"content":"<|im_end|>","special":false})";
  const Ids parts{0, 1, 2, 3};
  const auto unnamed = directory(added, {});
  EXPECT_EQ(encode(*unnamed, "</s>"), (Ids{4})) << "a tag";
  EXPECT_EQ(unnamed->stop_ids(), (Ids{5}));
  for (const auto& [document, text] : std::map<std::string, std::string>{{"tokenizer_config.json", R"({"eos_token":"</s>"})"},
                                                                         {"special_tokens_map.json", R"({"eos_token":{"content":"</s>"}})"},
                                                                         {"generation_config.json", R"({"eos_token_id":[5,4]})"}}) {
    SCOPED_TRACE(document);
    const auto t = directory(added, {{document, text}});
    EXPECT_EQ(encode(*t, "</s>"), parts);
    EXPECT_EQ(encode(*t, "</s>", {.parse_special = true}), (Ids{4}));
    EXPECT_EQ(t->stop_ids(), (Ids{4, 5}));
  }
  for (const char* config :
       {R"({"added_tokens_decoder":{"4":{"content":"</s>","special":true}}})", R"({"additional_special_tokens":["</s>"]})",
        R"({"additional_special_tokens":[{"content":"</s>"}]})", R"({"bos_token":"</s>"})", R"({"chat_template":"{{ x }}\u003c/s>"})",
        R"({"chat_template":[{"name":"default","template":"</s>"}]})"}) {
    SCOPED_TRACE(config);
    const auto t = directory(added, {{"tokenizer_config.json", config}});
    EXPECT_EQ(encode(*t, "</s>"), parts);
    EXPECT_EQ(encode(*t, "</s>", {.parse_special = true}), (Ids{4}));
    EXPECT_EQ(t->stop_ids(), (Ids{5}));
  }
  const auto own = directory(added, {{"chat_template.jinja", "{{ x }}</s>"}});
  EXPECT_EQ(encode(*own, "</s>"), parts);
  for (const char* config : {R"({"added_tokens_decoder":{"4":{"content":"</s>","special":false}}})", R"({"added_tokens_decoder":null})",
                             R"({"chat_template":null,"additional_special_tokens":null})"}) {
    EXPECT_EQ(encode(*directory(added, {{"tokenizer_config.json", config}}), "</s>"), (Ids{4})) << config;
  }
}

TEST(ControlTokens, DirectoriesThatNameATokenOfTheModelAlone) {
  const auto plain = directory("", {});
  EXPECT_EQ(plain->token_flags(5), 0u) << "as `tokenizers` has it";
  const auto named = directory("", {{"generation_config.json", R"({"eos_token_id":5})"}});
  EXPECT_EQ(encode(*named, "<|im_end|>", {.parse_special = true}), (Ids{5}));
  EXPECT_EQ(named->token_flags(5), kSpecial | kStop);
}

}  // namespace
