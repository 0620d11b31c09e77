// Byte-level BPE keeps its merges; its words are named by the pattern they are cut with. The other kind (byte fallback) has
// scores instead: a token's is minus the rank of the first merge that makes it, so that better merges still come first.
#include "tokenizer/gguf_export.h"

#include <algorithm>

#include "base/error.h"
#include "tokenizer/control_tokens.h"
#include "tokenizer/huggingface_vocabulary.h"
#include "tokenizer/json_sections.h"
#include "tokenizer/pretokenize.h"
#include "tokenizer/tokenizer.h"

namespace rustml::tokenizer {
namespace {

using base::fail;
using base::Json;
using base::Status;

template <class T>
formats::Value array(std::vector<T> items) {
  return std::make_shared<const formats::Array>(formats::Array{std::move(items)});
}

[[noreturn]] void has_no_name(const std::string& part) {
  fail(Status::unimplemented, "tokenizer.json: " + part +
                                  ": GGUF files have no name for it that is known here; known are those of GPT-2, " +
                                  "Llama 3, Qwen 2, DeepSeek and others, each with the normalizer it was published with");
}

std::vector<JsonFields> steps_in(const Json& json, const char* name, const char* list) {
  return json.kind == Json::Kind::null ? std::vector<JsonFields>{}
                                       : steps_of(JsonFields(json, std::string("tokenizer.json: ") + name), list);
}

// The only step of the normalizer; empty: it has none.
std::string normalizer_type(const JsonSections& sections) {
  const Json json = section(sections, "normalizer");
  const std::vector<JsonFields> steps = steps_in(json, "normalizer", "normalizers");
  if (steps.size() > 1) has_no_name("normalizer");
  return steps.empty() ? std::string() : steps[0].text("type");
}

// A step that cuts by a pattern, which goes to `patterns`.
SplitRule split_rule(const JsonFields& fields, std::vector<std::string>& patterns) {
  const JsonFields pattern = fields.object("pattern");
  if (!pattern.has("Regex")) has_no_name("pre_tokenizer");
  patterns.push_back(pattern.text("Regex"));
  const std::string behavior = fields.text("behavior");
  const bool inverted = fields.flag("invert", false);
  // What lies between the matches is left out by some; the patterns that stand alone in a rule leave nothing between them.
  if (inverted ? behavior == "Removed" : behavior == "Isolated") return {SplitRule::isolated, patterns.back()};
  if (!inverted && behavior == "MergedWithNext") return {SplitRule::merged_with_next, patterns.back()};
  has_no_name("pre_tokenizer");
}

// How a file cuts words: the name that GGUF has for it. Empty: it does not spell bytes.
std::string pre_name(const JsonSections& sections) {
  const Json json = section(sections, "pre_tokenizer");
  const std::vector<JsonFields> steps = steps_in(json, "pre_tokenizer", "pretokenizers");
  if (std::none_of(steps.begin(), steps.end(), [](const JsonFields& fields) { return fields.text("type") == "ByteLevel"; })) return {};
  std::vector<SplitRule> splits;
  std::vector<std::string> patterns;
  patterns.reserve(steps.size());  // the rules point into it
  bool removes = false;
  for (const JsonFields& fields : steps) {
    const std::string type = fields.text("type");
    if (type == "ByteLevel" && !fields.flag("add_prefix_space", true) && &fields == &steps.back()) {
      if (fields.flag("use_regex", true)) splits.push_back({SplitRule::isolated, kGpt2Words});
    } else if (type == "Digits") {
      splits.push_back({fields.flag("individual_digits", false) ? SplitRule::digits : SplitRule::digit_runs});
    } else if (type == "Split") {
      splits.push_back(split_rule(fields, patterns));
      removes |= fields.flag("invert", false);
    } else {
      has_no_name("pre_tokenizer");
    }
  }
  const std::string name(pre_tokenizer_name(splits, section(sections, "model.ignore_merges").boolean, normalizer_type(sections)));
  if (name.empty() || (removes && splits.size() > 1)) has_no_name("pre_tokenizer");
  return name;
}

bool adds_blank(const JsonSections& sections) {
  bool blank = false;
  const auto look = [&](const char* name, const char* list) {
    const Json json = section(sections, name);
    for (const JsonFields& fields : steps_in(json, name, list)) {
      const std::string type = fields.text("type");
      const Json* scheme = fields.find("prepend_scheme");
      if (type == "Prepend") blank = true;
      if (type == "Metaspace") blank = scheme ? scheme->string != "never" : fields.flag("add_prefix_space", true);
    }
  };
  look("normalizer", "normalizers");
  look("pre_tokenizer", "pretokenizers");
  return blank;
}

using Metadata = std::map<std::string, formats::Value>;

void put_id(Metadata& metadata, const char* key, int32_t id, int64_t n_tokens) {
  if (id >= 0 && id < n_tokens) metadata[std::string("tokenizer.ggml.") + key] = static_cast<uint64_t>(id);
}

// The tokens that begin and end a text.
void put_ends(const Tokenizer& tokenizer, const Vocabulary& vocabulary, int64_t n_tokens, Metadata& metadata) {
  put_id(metadata, "bos_token_id", tokenizer.bos_id(), n_tokens);
  put_id(metadata, "eos_token_id", tokenizer.eos_id(), n_tokens);
  // Ends of generation_config.json that readers do not know by their text.
  std::vector<int32_t> more = tokenizer.stop_ids();
  std::erase_if(more, [&](int32_t id) {
    return id == tokenizer.eos_id() || id >= n_tokens || std::count(end_texts().begin(), end_texts().end(), vocabulary.text(id)) > 0;
  });
  if (more.size() > 2)
    fail(Status::unimplemented,
         "generation_config.json: eos_token_id: GGUF files have a place for three ends, these are " + std::to_string(more.size() + 1));
  if (!more.empty()) put_id(metadata, "eot_token_id", more[0], n_tokens);
  if (more.size() > 1) put_id(metadata, "eom_token_id", more[1], n_tokens);
}

}  // namespace

void export_gguf(const formats::ModelFile& file, int64_t n_tokens, Metadata& metadata, runtime::Call& call) {
  const std::unique_ptr<Tokenizer> tokenizer = from_huggingface(file, call);  // all of it is right
  if (!tokenizer) return;
  const JsonSections sections = json_sections(file.documents.at("tokenizer.json"), "tokenizer.json",
                                              {"added_tokens", "normalizer", "pre_tokenizer", "model.unk_token", "model.byte_fallback",
                                               "model.ignore_merges", "model.vocab", "model.merges"},
                                              call.stop);
  const std::string unknown = section(sections, "model.unk_token").string, pre = pre_name(sections);
  HuggingfaceVocabulary read;
  read_vocab(sections.at("model.vocab"), read, call.stop);
  if (sections.count("added_tokens") != 0) read_added_tokens(sections.at("added_tokens"), read, call.stop);
  std::vector<bool> in_model;
  const bool byte_fallback = section(sections, "model.byte_fallback").boolean;
  const Vocabulary vocabulary = build_vocabulary(read, byte_fallback, unknown, in_model);
  const std::vector<MergeEntry> merges = read_merges(sections.at("model.merges"), vocabulary, in_model, call.stop);
  if (pre.empty() && !byte_fallback)
    fail(Status::unimplemented, "tokenizer.json: neither byte-level nor with byte fallback; GGUF files have no place for it");

  std::vector<std::string> texts;
  std::vector<int64_t> types;
  for (int32_t id = 0; id < n_tokens; ++id) {
    const bool there = id < vocabulary.size() && !vocabulary.text(id).empty();
    texts.push_back(there ? std::string(vocabulary.text(id)) : "[PAD" + std::to_string(id) + "]");
    types.push_back(static_cast<int64_t>(there ? vocabulary.type(id) : TokenType::unused));
  }
  const auto put = [&](const char* key, formats::Value value) { metadata[std::string("tokenizer.ggml.") + key] = std::move(value); };
  if (!pre.empty()) {
    put("model", std::string("gpt2"));
    put("pre", pre);
    std::vector<std::string> pairs;
    for (const MergeEntry& m : merges) pairs.push_back(std::string(vocabulary.text(m.left)) + " " + std::string(vocabulary.text(m.right)));
    put("merges", array(std::move(pairs)));
  } else {
    put("model", std::string("llama"));
    put("pre", std::string("default"));
    std::vector<double> scores(texts.size(), 0.0);
    for (size_t rank = merges.size(); rank-- > 0;)
      if (merges[rank].joined < n_tokens) scores[static_cast<size_t>(merges[rank].joined)] = -static_cast<double>(rank + 1);
    put("scores", array(std::move(scores)));
    put("add_space_prefix", adds_blank(sections));
  }
  put("tokens", array(std::move(texts)));
  put("token_type", array(std::move(types)));
  put_ends(*tokenizer, vocabulary, n_tokens, metadata);
  put_id(metadata, "unknown_token_id", unknown.empty() ? -1 : vocabulary.id_of(unknown), n_tokens);
  put("add_bos_token", tokenizer->adds_bos());
}

}  // namespace rustml::tokenizer
