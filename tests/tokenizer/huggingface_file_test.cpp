// Real tokenizer.json files against PyPI `tokenizers` (make_huggingface_reference.py), the documents beside it, and what is
// refused.
#include <algorithm>

#include "../base/expect_error.h"
#include "../real_files.h"
#include "fixtures.h"
#include "tokenizer/huggingface_vocabulary.h"
#include "tokenizer/json_sections.h"
#include "tokenizer/stream_decoder.h"

namespace {

using namespace fixtures;
using rustml::base::Status;
using Ids = std::vector<int32_t>;

class Fnv {
 public:
  void add(uint32_t byte) { hash_ = (hash_ ^ (byte & 0xFF)) * 0x01000193u; }
  void add_text(std::string_view text) {
    for (const char c : text) add(static_cast<unsigned char>(c));
    add(0xFF);
  }
  void add_ids(const Ids& ids) {
    for (const int32_t id : ids) add_number(static_cast<uint32_t>(id));
    add_number(0xFFFFFFFF);
  }
  uint32_t get() const { return hash_; }

 private:
  void add_number(uint32_t n) {
    for (int shift = 0; shift < 32; shift += 8) add(n >> shift);
  }
  uint32_t hash_ = 0x811C9DC5;
};

std::vector<std::string> strings() {
  std::vector<std::string> out;
  for (Data data("smollm2.bin"); data.more();) {
    out.emplace_back(data.text());
    const uint64_t n_ids = data.varint();
    data.take(2 * n_ids);
  }
  return out;
}

std::string valid_json_text(const std::string& bytes) {
  rustml::tokenizer::StreamDecoder decoder;
  std::string text;
  decoder.push(bytes, text);
  decoder.finish(text);
  return text;
}

std::unique_ptr<Tokenizer> load_real(const std::string& folder) {
  return load_huggingface(
      {{"tokenizer.json", read_file(folder + "/tokenizer.json")}, {"tokenizer_config.json", read_file(folder + "/tokenizer_config.json")}});
}

void compare(const char* name) {
  TOKENIZERS_OR_SKIP(folder);
  const auto tokenizer = load_real(folder + "/" + name);
  std::vector<std::string> texts = strings();
  const size_t n_plain = texts.size();
  rustml::runtime::StopSignal stop;
  const std::string json = read_file(folder + "/" + name + "/tokenizer.json");
  rustml::tokenizer::HuggingfaceVocabulary read;
  rustml::tokenizer::read_added_tokens(rustml::tokenizer::json_sections(json, "json", {"added_tokens"}, stop).at("added_tokens"), read,
                                       stop);
  std::sort(read.added.begin(), read.added.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  for (size_t i = 0; i + 1 < n_plain; i += 5) texts.push_back(texts[i] + read.added[i / 5 % read.added.size()].text + texts[i + 1]);

  Data data(std::string("huggingface_") + name + ".bin");
  const size_t n_batches = data.varint();
  ASSERT_EQ(n_batches, (texts.size() + 9) / 10);
  const auto number = [&] {
    uint32_t n = 0;
    for (int i = 0; i < 4; ++i) n |= uint32_t{static_cast<unsigned char>(data.take(1)[0])} << 8 * i;
    return n;
  };
  std::vector<Ids> some;
  size_t n_ids = 0;
  for (size_t batch = 0; batch < n_batches; ++batch) {
    if (batch % 13 != 0 && !rustml::test::exhaustive()) {  // those with `some` stay in the sample
      data.take(12);
      continue;
    }
    Fnv ids_hash, text_hash, skipped_hash;
    for (size_t i = 10 * batch; i < std::min(texts.size(), 10 * batch + 10); ++i) {
      const Encoding encoding = tokenizer->encode(texts[i], {.parse_special = true}, stop);
      ids_hash.add_ids(encoding.ids);
      const auto decoded = [&](bool skip) { return valid_json_text(tokenizer->decode(encoding.ids.data(), encoding.ids.size(), skip)); };
      text_hash.add_text(decoded(false));
      skipped_hash.add_text(decoded(true));
      n_ids += encoding.ids.size();
      if (i % 260 == 0 && i < n_plain) some.push_back(encoding.ids);
    }
    ASSERT_EQ(ids_hash.get(), number()) << "ids of one of the strings from " << 10 * batch << " on: " << texts[10 * batch];
    ASSERT_EQ(text_hash.get(), number()) << "decoded text of one of the strings from " << 10 * batch << " on: " << texts[10 * batch];
    ASSERT_EQ(skipped_hash.get(), number()) << "text without special tokens of one of the strings from " << 10 * batch << " on";
  }
  for (size_t i = 0; i < n_plain; i += 260) {
    Ids expected(data.varint());
    for (int32_t& id : expected) id = static_cast<int32_t>(data.varint());
    ASSERT_EQ(some.at(i / 260), expected) << texts[i];
  }
  std::printf("%zu strings, %zu ids equal\n", texts.size(), n_ids);
}

TEST(HuggingfaceFile, Gpt2AsTokenizers) { compare("gpt2"); }
TEST(HuggingfaceFile, Gemma3AsTokenizers) { compare("gemma3"); }
TEST(HuggingfaceFile, Llama3AsTokenizers) { compare("llama3"); }

TEST(HuggingfaceFile, FactsOfRealFiles) {
  TOKENIZERS_OR_SKIP(folder);
  const auto gpt2 = load_real(folder + "/gpt2");
  EXPECT_EQ(gpt2->size(), 50257);
  EXPECT_EQ(gpt2->bos_id(), 50256);
  EXPECT_EQ(gpt2->stop_ids(), (Ids{50256}));
  EXPECT_FALSE(gpt2->adds_bos());
  EXPECT_EQ(gpt2->kind(), "byte-level BPE (tokenizer.json)");
  EXPECT_EQ(encode(*gpt2, "<|endoftext|>").size(), 7u);
  EXPECT_EQ(encode(*gpt2, "<|endoftext|>", {.parse_special = true}), (Ids{50256}));

  const double begin = cpu_seconds();
  const auto gemma = load_real(folder + "/gemma3");
  EXPECT_LT(cpu_seconds() - begin, kSanitized ? 30 : 5);
  EXPECT_EQ(gemma->size(), 262145);
  EXPECT_EQ(gemma->bos_id(), 2);
  EXPECT_EQ(gemma->eos_id(), 106);
  EXPECT_TRUE(gemma->adds_bos());
  EXPECT_EQ(encode(*gemma, "Hello", {.add_special = true}), (Ids{2, 9259}));
  EXPECT_EQ(gemma->token_bytes(9259), "Hello");
  EXPECT_EQ(gemma->token_bytes(gemma->size() - 1), "<image_soft_token>");
  EXPECT_EQ(gemma->token_bytes(encode(*gemma, "\x01").at(0)), "\x01");

  const auto llama = load_real(folder + "/llama3");
  EXPECT_EQ(llama->size(), 128256);
  EXPECT_EQ(llama->bos_id(), 128000);
  EXPECT_EQ(llama->stop_ids(), (Ids{128001, 128009}));  // <|end_of_text|>, <|eot_id|>
}

// A file that is right; replaced parts make it wrong.
std::string made(const std::string& vocab = R"({"a":0,"b":1,"c":2,"ab":3})", const std::string& merges = R"(["a b"])",
                 const std::string& more_of_model = "", const std::string& more = "") {
  return R"({"version":"1.0",)" + more + R"("model":{"type":"BPE",)" + more_of_model + R"("vocab":)" + vocab + R"(,"merges":)" + merges +
         "}}";
}
std::unique_ptr<Tokenizer> load_made(const std::string& json, std::map<std::string, std::string> others = {}) {
  others["tokenizer.json"] = json;
  return load_huggingface(std::move(others));
}
std::string added(const std::string& content, const std::string& id, const std::string& more = R"("special":true)") {
  return R"({"id":)" + id + R"(,"content":")" + content + R"(",)" + more + "}";
}
std::string with_added(const std::string& list) {
  return made(R"({"a":0,"b":1,"c":2,"ab":3})", R"(["a b"])", "", R"("added_tokens":[)" + list + "],");
}
std::string part(const std::string& name, const std::string& json) {
  return made(R"({"a":0,"b":1,"c":2,"ab":3})", R"(["a b"])", "", "\"" + name + "\":" + json + ",");
}

TEST(HuggingfaceFile, NoTokenizerJson) { EXPECT_EQ(load_huggingface({{"config.json", "{}"}}), nullptr); }

TEST(HuggingfaceFile, RefusesWhatIsNoTokenizer) {
  for (const char* text : {"", " ", "null", "[]", "{", "{}", R"({"model":3})", R"({"model":{}} x)", "{\"model\":{\"a\":\"\xFF\"}}"}) {
    try {
      load_made(text);
      ADD_FAILURE() << text;
    } catch (const rustml::base::Error& error) {
      EXPECT_TRUE(error.status() == Status::data_loss || error.status() == Status::unimplemented) << text << ": " << error.message();
    }
  }
  EXPECT_ERROR(load_made("{}"), Status::data_loss, "model: missing");
  EXPECT_ERROR(load_made(std::string(100, '[')), Status::data_loss, "expected an object");
  EXPECT_ERROR(load_made("{\"x\":" + std::string(10001, '[')), Status::data_loss, "nested deeper");
  EXPECT_ERROR(load_made(R"({"model":{"type":"BPE","vocab":{"a":0},"vocab":{"a":0},"merges":[]}})"), Status::data_loss, "twice");
  EXPECT_ERROR(load_made("{\"x\":[0" +
                         [] {
                           std::string more;
                           for (int i = 0; i < 8'400'000; ++i) more += ",0";
                           return more;
                         }() +
                         "]}"),
               Status::resource_exhausted, "values");
}

TEST(HuggingfaceFile, RefusesModelsByName) {
  for (const char* type : {"WordPiece", "Unigram", "WordLevel", "Other"}) {
    EXPECT_ERROR(load_made(std::string(R"({"model":{"type":")") + type + R"(","vocab":[["a",0]]}})"), Status::unimplemented, type);
  }
  EXPECT_ERROR(load_made(R"({"model":{"vocab":{}}})"), Status::unimplemented, "model.type is missing");
  EXPECT_NO_THROW(load_made(R"({"model":{"vocab":{"a":0},"merges":[]}})"));  // as early files had it
  EXPECT_ERROR(load_made(R"({"version":"2.0","model":{"type":"BPE","vocab":{"a":0},"merges":[]}})"), Status::unimplemented, "2.0");
  EXPECT_ERROR(load_made(made(R"({"a":0})", "[]", R"("dropout":0.1,)")), Status::unimplemented, "dropout");
  EXPECT_ERROR(load_made(made(R"({"a":0})", "[]", R"("continuing_subword_prefix":"##",)")), Status::unimplemented, "##");
  EXPECT_ERROR(load_made(made(R"({"a":0})", "[]", R"("end_of_word_suffix":"</w>",)")), Status::unimplemented, "</w>");
  EXPECT_NO_THROW(load_made(made(R"({"a":0})", "[]", R"("dropout":0.0,"continuing_subword_prefix":"","end_of_word_suffix":null,)")));
}

TEST(HuggingfaceFile, Vocabularies) {
  EXPECT_ERROR(load_made(R"({"model":{"type":"BPE","merges":[]}})"), Status::data_loss, "model.vocab is missing");
  EXPECT_ERROR(load_made(made("{}", "[]")), Status::data_loss, "no tokens");
  EXPECT_ERROR(load_made(made("[]", "[]")), Status::data_loss, "expected an object");
  EXPECT_ERROR(load_made(made(R"({"a":"0"})", "[]")), Status::data_loss, "has no number");
  EXPECT_ERROR(load_made(made(R"({"a":-1})", "[]")), Status::data_loss, "the id -1");
  EXPECT_ERROR(load_made(made(R"({"a":1.5})", "[]")), Status::data_loss, "the id 1.5");
  EXPECT_ERROR(load_made(made(R"({"a":2147483648})", "[]")), Status::resource_exhausted, "2147483648, limit 4194303");
  EXPECT_ERROR(load_made(made(R"({"a":99999999999999999999})", "[]")), Status::resource_exhausted, "limit 4194303");
  EXPECT_ERROR(load_made(made(R"({"a":4194303})", "[]")), Status::resource_exhausted, "ids without a token");
  EXPECT_ERROR(load_made(made(R"({"a":0,"b":0})", "[]")), Status::data_loss, "\"a\" and \"b\" have one id, 0");
  EXPECT_ERROR(load_made(made(R"({"a":0,"a":1})", "[]")), Status::data_loss, "repeats token 0");
  EXPECT_ERROR(load_made(made(R"({"\ud800":0})", "[]")), Status::data_loss, "surrogate");
  EXPECT_ERROR(load_made(made("{\"" + std::string(1 << 20, 'x') + "\":0}", "[]")), Status::resource_exhausted, "limit 65536");

  const auto holes = load_made(made(R"({"a":0,"b":7})", "[]"));
  EXPECT_EQ(holes->size(), 8);
  EXPECT_EQ(encode(*holes, "ab"), (Ids{0, 7}));
  EXPECT_EQ(holes->token_bytes(3), "");
  const Ids all{0, 3, 7};
  EXPECT_EQ(holes->decode(all.data(), all.size(), false), "a b");
  const auto empty = load_made(made(R"({"":0,"a":1})", "[]"));  // as `tokenizers`: a token that nothing becomes
  EXPECT_EQ(encode(*empty, "a"), (Ids{1}));
  const auto zero = load_made(made(R"({"a":0,"\u0000":1,"a\u0000":2})", R"([["a","\u0000"]])"));
  EXPECT_EQ(encode(*zero, std::string_view("a\0\0", 3)), (Ids{2, 1}));
  EXPECT_EQ(zero->token_bytes(2), std::string_view("a\0", 2));
}

TEST(HuggingfaceFile, Merges) {
  const auto merges = [](const std::string& list) { return load_made(made(R"({"a":0,"b":1,"ab":2,"a b":3," b":4})", list)); };
  EXPECT_ERROR(load_made(R"({"model":{"type":"BPE","vocab":{"a":0}}})"), Status::data_loss, "model.merges is missing");
  EXPECT_ERROR(merges("{}"), Status::data_loss, "expected an array");
  for (const char* list : {R"(["ab"])", R"([""])", R"(["a b "])", R"(["a  b"])"})
    EXPECT_ERROR(merges(list), Status::data_loss, "one blank");
  for (const char* list : {R"(["a "])", R"(["a z"])", R"([["a",""]])"}) EXPECT_ERROR(merges(list), Status::data_loss, "second half");
  for (const char* list : {R"([" b"])", R"(["z b"])"}) EXPECT_ERROR(merges(list), Status::data_loss, "first half");
  EXPECT_ERROR(merges(R"(["b a"])"), Status::data_loss, "what it makes");
  for (const char* list : {R"([["a"]])", R"([["a","b","c"]])", R"([[]])", R"([["a",1]])"})
    EXPECT_ERROR(merges(list), Status::data_loss, "two strings");
  EXPECT_ERROR(merges("[1]"), Status::data_loss, "merges[0]");
  EXPECT_EQ(encode(*merges(R"(["a b","a b"])"), "ab"), (Ids{2}));
  EXPECT_EQ(encode(*merges(R"(["#version: 0.2","a b"])"), "ab"), (Ids{2}));
  EXPECT_EQ(encode(*merges(R"([["a"," b"]])"), "ab"), (Ids{0, 1}));  // halves may hold blanks
  std::string many = R"(["a b")";
  for (int i = 1; i < 5'000'000; ++i) many += R"(,"a b")";
  EXPECT_ERROR(merges(many + "]"), Status::resource_exhausted, "over 2097152 merges");
}

TEST(HuggingfaceFile, AddedTokens) {
  const auto all = load_made(with_added(added("<s>", "4") + "," + added("<tool>", "5", R"("special":false)")));
  EXPECT_EQ(all->size(), 6);
  EXPECT_EQ(encode(*all, "a<s><tool>", {.parse_special = true}), (Ids{0, 4, 5}));
  EXPECT_EQ(encode(*all, "a<s><tool>"), (Ids{0, 5}));
  EXPECT_EQ(load_made(with_added(added("ab", "3")))->size(), 4);
  EXPECT_EQ(load_made(with_added(added("<x>", "4") + "," + added("<x>", "4")))->size(), 5);
  EXPECT_EQ(encode(*load_made(with_added(added("", "4"))), "ab"), (Ids{3}));  // never found
  EXPECT_ERROR(load_made(with_added(added("<x>", "1"))), Status::data_loss, "have one id, 1");
  OddRecords records;  // ids as `tokenizers` 0.23.3 reads these two
  const auto settled = load_made(with_added(added("ab", "9") + "," + added("<x>", "4") + "," + added("<x>", "5")));
  EXPECT_EQ(encode(*settled, "abc<x>", {.parse_special = true}), (Ids{3, 2, 4}));
  EXPECT_EQ(settled->size(), 5);
  EXPECT_EQ(
      records.take(),
      "tokenizer.json: added_tokens: 2 have another id elsewhere in the file, the first is \"ab\" as 9 and as 3; the latter counts\n");
  EXPECT_EQ(load_made(with_added(added("<x>", "4", R"("more":{"a":[1,{"b":[]}]},"special":true)")))->size(), 5);
  EXPECT_EQ(records.take(), "");
  EXPECT_ERROR(load_made(with_added(added("<x>", "-4"))), Status::data_loss, "the id -4");
  EXPECT_ERROR(load_made(with_added(added("<x>", "4194304"))), Status::resource_exhausted, "limit 4194303");
  EXPECT_ERROR(load_made(with_added(R"({"id":4})")), Status::data_loss, "missing");
  EXPECT_ERROR(load_made(with_added("7")), Status::data_loss, "added_tokens[0]");
  EXPECT_ERROR(load_made(with_added(added("<x>", "4", R"("special":1)"))), Status::data_loss, "special: expected true or false");
}

TEST(HuggingfaceFile, UnknownToken) {
  EXPECT_ERROR(load_made(made(R"({"a":0})", "[]", R"("unk_token":"<unk>",)")), Status::data_loss, "no token \"<unk>\"");
  OddRecords records;
  std::string bytes;
  for (int b = 0; b < 256; ++b) {
    char name[8];
    std::snprintf(name, sizeof name, "<0x%02X>", b);
    bytes += ",\"" + std::string(name) + "\":" + std::to_string(b + 1);
  }
  const std::string fallback = R"("unk_token":"<unk>","byte_fallback":true,)";
  EXPECT_EQ(encode(*load_made(made(R"({"a":0)" + bytes + "}", "[]", fallback)), "aAb"), (Ids{0, 0x41 + 1, 0x62 + 1}));
  EXPECT_EQ(records.take(), "tokenizer.json: model.unk_token: the vocabulary has no token \"<unk>\"; no text needs it\n");
  bytes.resize(bytes.rfind(','));  // without <0xFF>
  EXPECT_ERROR(load_made(made(R"({"a":0)" + bytes + "}", "[]", fallback)), Status::data_loss, "no token \"<unk>\"");
  EXPECT_ERROR(load_made(made(R"({"a":0})", "[]", R"("unk_token":3,)")), Status::data_loss, "model.unk_token is 3; it must be a string");
  rustml::runtime::StopSignal stop;
  const auto none = load_made(made(R"({"a":0})", "[]"));
  EXPECT_EQ(none->encode("az\u00E9", {}, stop).dropped_bytes, 3u);
  EXPECT_ERROR(none->encode("az", {.strict = true}, stop), Status::invalid_argument, "no token for \"z\"");
}

TEST(HuggingfaceFile, RefusesPartsByName) {
  for (const char* type : {"BertNormalizer", "StripAccents", "Nmt", "Precompiled", "Unheard"}) {
    EXPECT_ERROR(load_made(part("normalizer", std::string(R"({"type":")") + type + "\"}")), Status::unimplemented, type);
  }
  for (const char* type : {"BertPreTokenizer", "Punctuation", "UnicodeScripts", "CharDelimiterSplit", "Unheard"}) {
    EXPECT_ERROR(load_made(part("pre_tokenizer", std::string(R"({"type":"Sequence","pretokenizers":[{"type":")") + type + "\"}]}")),
                 Status::unimplemented, type);
  }
  for (const char* type : {"WordPiece", "BPEDecoder", "CTC", "Unheard"}) {
    EXPECT_ERROR(load_made(part("decoder", std::string(R"({"type":")") + type + "\"}")), Status::unimplemented, type);
  }
  for (const char* type : {"BertProcessing", "RobertaProcessing", "Unheard"}) {
    EXPECT_ERROR(load_made(part("post_processor", std::string(R"({"type":")") + type + "\"}")), Status::unimplemented, type);
  }
  for (const char* name : {"normalizer", "pre_tokenizer", "decoder", "post_processor"}) {
    EXPECT_ERROR(load_made(part(name, "{}")), Status::data_loss, "type is missing");
    EXPECT_ERROR(load_made(part(name, "[]")), Status::data_loss, "is a list; it must be an object");
    EXPECT_NO_THROW(load_made(part(name, "null")));
  }
}

TEST(HuggingfaceFile, Templates) {
  const auto with = [](const std::string& single, const std::string& tokens) {
    return load_made(
        part("post_processor", R"({"type":"TemplateProcessing","single":[)" + single + R"(],"special_tokens":{)" + tokens + "}}"));
  };
  const std::string text = R"({"Sequence":{"id":"A","type_id":0}})", begin = R"({"SpecialToken":{"id":"B","type_id":0}})";
  const auto tokenizer = with(begin + "," + text, R"("B":{"id":"B","ids":[1,2],"tokens":["b","c"]})");
  EXPECT_EQ(encode(*tokenizer, "a", {.add_special = true}), (Ids{1, 2, 0}));
  EXPECT_EQ(encode(*tokenizer, "a"), (Ids{0}));
  EXPECT_EQ(tokenizer->bos_id(), 1);
  EXPECT_TRUE(tokenizer->adds_bos());
  EXPECT_ERROR(with(begin + "," + text, ""), Status::data_loss, "\"B\", which is not among the special_tokens");
  EXPECT_ERROR(with(begin + "," + text, R"("B":{"ids":[4]})"), Status::data_loss, "token 4 of a vocabulary of 4");
  EXPECT_ERROR(with(begin + "," + text, R"("B":{"ids":[-1]})"), Status::data_loss, "token -1");
  EXPECT_ERROR(with(begin, R"("B":{"ids":[1]})"), Status::data_loss, "no place for the text");
  EXPECT_ERROR(with(text + "," + text, ""), Status::unimplemented, "one A");
}

TEST(HuggingfaceFile, DocumentsBesideIt) {
  const std::string json = with_added(added("<s>", "4") + "," + added("</s>", "5"));
  const auto with = [&](std::map<std::string, std::string> others) { return load_made(json, std::move(others)); };
  const auto bare = with({});
  EXPECT_EQ(bare->bos_id(), -1);
  EXPECT_EQ(bare->eos_id(), -1);
  const auto config = with({{"tokenizer_config.json", R"({"bos_token":"<s>","eos_token":{"content":"</s>"},"add_bos_token":true})"}});
  EXPECT_EQ(config->bos_id(), 4);
  EXPECT_EQ(config->eos_id(), 5);
  EXPECT_EQ(config->stop_ids(), (Ids{5}));
  EXPECT_EQ(encode(*config, "a", {.add_special = true}), (Ids{4, 0}));
  const auto both = with({{"tokenizer_config.json", R"({"bos_token":null,"eos_token":"</s>","add_eos_token":true})"},
                          {"special_tokens_map.json", R"({"bos_token":"<s>"})"},
                          {"generation_config.json", R"({"eos_token_id":[5,2]})"}});
  EXPECT_EQ(both->bos_id(), 4);
  EXPECT_EQ(both->stop_ids(), (Ids{2, 5}));
  EXPECT_EQ(encode(*both, "a", {.add_special = true}), (Ids{0, 5}));
  EXPECT_EQ(with({{"generation_config.json", R"({"eos_token_id":2})"}})->eos_id(), 2);
  OddRecords records;
  const auto outside = with({{"generation_config.json", R"({"eos_token_id":[6,-1,2]})"}});
  EXPECT_EQ(outside->stop_ids(), (Ids{2}));
  EXPECT_EQ(records.take(), "generation_config.json: eos_token_id 6 and 1 more: the vocabulary has no such token; it is ignored\n");
  EXPECT_ERROR(with({{"generation_config.json", R"({"eos_token_id":"x"})"}}), Status::data_loss, "expected integers");
  EXPECT_ERROR(with({{"generation_config.json", "{"}}), Status::data_loss, "generation_config.json");
  EXPECT_EQ(with({{"tokenizer_config.json", R"({"bos_token":"<q>","add_bos_token":false})"}})->bos_id(), -1);
  EXPECT_EQ(records.take(), "tokenizer_config.json: bos_token \"<q>\": the vocabulary has no such token; it is ignored\n");
  EXPECT_ERROR(with({{"tokenizer_config.json", R"({"bos_token":"<q>","add_bos_token":true})"}}), Status::data_loss,
               "add_bos_token: the vocabulary lacks the bos_token");
  EXPECT_ERROR(with({{"tokenizer_config.json", R"({"bos_token":7})"}}), Status::data_loss, "expected a token's text");
}

TEST(HuggingfaceFile, StopsOnRequest) {
  ModelFile file;
  file.documents["tokenizer.json"] = made();
  rustml::runtime::CancelFlag flag;
  flag.trigger(1);
  rustml::runtime::StopSignal stop(&flag);
  rustml::runtime::Call call{stop, {}};
  EXPECT_ERROR(rustml::tokenizer::from_huggingface(file, call), Status::cancelled, "");
}

}  // namespace
