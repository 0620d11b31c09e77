// A Hugging Face directory's documents to a tokenizer: tokenizer.json says how text becomes ids; tokenizer_config.json,
// special_tokens_map.json and generation_config.json say which tokens begin and end a text.
#include <algorithm>

#include "base/error.h"
#include "base/hash.h"
#include "base/log.h"
#include "tokenizer/byte_alphabet.h"
#include "tokenizer/huggingface_bpe.h"
#include "tokenizer/huggingface_vocabulary.h"
#include "tokenizer/json_sections.h"
#include "tokenizer/tokenizer.h"

namespace rustml::tokenizer {
namespace {

using base::Json;
using base::Status;
using formats::ModelFile;

constexpr const char* kOptions[] = {"version",
                                    "model.type",
                                    "model.dropout",
                                    "model.unk_token",
                                    "model.continuing_subword_prefix",
                                    "model.end_of_word_suffix",
                                    "model.fuse_unk",
                                    "model.byte_fallback",
                                    "model.ignore_merges"};

std::vector<std::string> section_names() {
  std::vector<std::string> names = {"added_tokens", "normalizer", "pre_tokenizer", "post_processor",
                                    "decoder",      "model",      "model.vocab",   "model.merges"};
  names.insert(names.end(), std::begin(kOptions), std::end(kOptions));
  return names;
}

struct ModelOptions {
  std::string unknown;
  bool fuse_unknown, byte_fallback, ignore_merges;
};

ModelOptions read_model_options(const JsonSections& sections) {
  Json object;
  object.kind = Json::Kind::object;
  for (const char* name : kOptions) object.members.push_back({name, section(sections, name)});
  const JsonFields fields(object, "tokenizer.json", ": ");
  if (!fields.text("version", "").empty()) fields.require_text("version", {"1.0"});
  // Early files do not name the type: then merges make it BPE.
  const bool named = !fields.text("model.type", "").empty();
  if (named) fields.require_text("model.type", {"BPE"});
  if (!named && sections.count("model.merges") == 0)
    base::fail(Status::unimplemented, "tokenizer.json: model.type is missing; supported: BPE");
  for (const char* name : {"model.continuing_subword_prefix", "model.end_of_word_suffix"}) fields.require_text(name, {""});
  const Json* dropout = fields.find("model.dropout");
  if (dropout && (dropout->kind == Json::Kind::string || dropout->number != 0)) fields.require_absent("model.dropout");
  for (const char* name : {"model.vocab", "model.merges"}) {
    if (sections.count(name) == 0) base::fail(Status::data_loss, std::string("tokenizer.json: ") + name + " is missing; it must be given");
  }
  return {fields.text("model.unk_token", ""), fields.flag("model.fuse_unk", false), fields.flag("model.byte_fallback", false),
          fields.flag("model.ignore_merges", false)};
}

int32_t checked_id(int64_t id, const Vocabulary& vocabulary, const std::string& where) {
  if (id < 0 || id >= vocabulary.size()) {
    base::fail(Status::data_loss, where + ": token " + std::to_string(id) + " of a vocabulary of " + std::to_string(vocabulary.size()));
  }
  return static_cast<int32_t>(id);
}

// What a TemplateProcessing puts around one text.
void read_template(const JsonFields& fields, const Vocabulary& vocabulary, SpecialIds& special) {
  special.before.clear();
  special.after.clear();
  bool text_seen = false;
  for (const JsonFields& piece : fields.objects("single")) {
    if (piece.has("Sequence")) {
      const JsonFields sequence = piece.object("Sequence");
      if (text_seen || sequence.text("id") != "A") sequence.unsupported("id", sequence.text("id"), "one A");
      text_seen = true;
      continue;
    }
    const JsonFields token = piece.object("SpecialToken"), tokens = fields.object("special_tokens");
    const std::string name = token.text("id");
    if (!tokens.has(name)) token.fail("id", "is " + base::quoted(name) + ", which is not among the special_tokens");
    const JsonFields named = tokens.object(name);
    for (const Json& id : named.list("ids")) {
      if (id.kind != Json::Kind::integer) named.fail("ids", "must be whole numbers");
      (text_seen ? special.after : special.before).push_back(checked_id(id.integer, vocabulary, named.place("ids")));
    }
  }
  if (!text_seen) fields.fail("single", "has no place for the text");
}

// True if it has a template.
bool read_post_processor(const Json& json, const Vocabulary& vocabulary, SpecialIds& special) {
  bool has_template = false;
  if (json.kind == Json::Kind::null) return false;
  for (const JsonFields& fields : steps_of(JsonFields(json, "tokenizer.json: post_processor"), "processors")) {
    const std::string type = fields.text("type");
    if (type == "TemplateProcessing" && !has_template) {
      read_template(fields, vocabulary, special);
      has_template = true;
    } else if (type != "ByteLevel") {
      fields.unsupported("type", type, "Sequence, ByteLevel and one TemplateProcessing");
    }
  }
  return has_template;
}

// The sections of another document; empty if it is absent.
JsonSections document_sections(const ModelFile& file, const char* name, const std::vector<std::string>& wanted, runtime::Call& call) {
  const auto found = file.documents.find(name);
  return found == file.documents.end() ? JsonSections{} : json_sections(found->second, name, wanted, call.stop);
}

// Tokens that documents name and the vocabulary lacks: no text becomes one, and no trained model gives one.
struct Lacking {
  size_t n = 0;
  std::string first;
  void add(const std::string& token) {
    if (n++ == 0) first = token;
  }
  void log() const {
    if (n > 0)
      base::log(base::LogLevel::warn, "rustml::tokenizer",
                first + (n == 1 ? "" : " and " + std::to_string(n - 1) + " more") + ": the vocabulary has no such token; it is ignored");
  }
};

// The token a document names, as a string or as an object with its content; -1: none.
int32_t named_token(const JsonSections& sections, const char* document, const char* key, const Vocabulary& vocabulary, Lacking& lacking) {
  const Json value = section(sections, key, document);
  if (value.kind == Json::Kind::null) return -1;
  const Json* content = value.kind == Json::Kind::object ? value.find("content") : &value;
  const std::string where = std::string(document) + ": " + key;
  if (content == nullptr || content->kind != Json::Kind::string) base::fail(Status::data_loss, where + ": expected a token's text");
  if (content->string.empty()) return -1;
  const int32_t id = vocabulary.id_of(content->string);
  if (id < 0) lacking.add(where + " " + base::quoted(content->string));
  return id;
}

void read_special_ids(const ModelFile& file, bool has_template, const Vocabulary& vocabulary, SpecialIds& special, runtime::Call& call) {
  const auto config = document_sections(file, "tokenizer_config.json", {"bos_token", "eos_token", "add_bos_token", "add_eos_token"}, call);
  const auto map = document_sections(file, "special_tokens_map.json", {"bos_token", "eos_token"}, call);
  const auto generation = document_sections(file, "generation_config.json", {"eos_token_id"}, call);
  Lacking lacking;
  const auto named = [&](const char* key, const char* flag) {
    const size_t n = lacking.n;
    int32_t id = named_token(config, "tokenizer_config.json", key, vocabulary, lacking);
    if (id < 0) id = named_token(map, "special_tokens_map.json", key, vocabulary, lacking);
    if (id < 0 && lacking.n > n && !has_template && section(config, flag, "tokenizer_config.json").boolean)
      base::fail(Status::data_loss,
                 std::string("tokenizer_config.json: ") + flag + ": the vocabulary lacks the " + key + " that every prompt is to have");
    return id;
  };
  special.bos = named("bos_token", "add_bos_token");
  special.eos = named("eos_token", "add_eos_token");
  if (special.eos >= 0) special.stops.push_back(special.eos);
  const Json stops = section(generation, "eos_token_id", "generation_config.json");
  for (const Json& id : stops.kind == Json::Kind::array ? stops.items : std::vector<Json>{stops}) {
    if (id.kind == Json::Kind::null) continue;
    if (id.kind != Json::Kind::integer) base::fail(Status::data_loss, "generation_config.json: eos_token_id: expected integers");
    if (id.integer < 0 || id.integer >= vocabulary.size()) {
      lacking.add("generation_config.json: eos_token_id " + std::to_string(id.integer));
      continue;
    }
    special.stops.push_back(static_cast<int32_t>(id.integer));
    if (special.eos < 0) special.eos = special.stops.back();
  }
  lacking.log();
  if (has_template) {
    if (special.bos < 0 && !special.before.empty()) special.bos = special.before.front();
    return;
  }
  if (special.bos >= 0 && section(config, "add_bos_token", "tokenizer_config.json").boolean) special.before = {special.bos};
  if (special.eos >= 0 && section(config, "add_eos_token", "tokenizer_config.json").boolean) special.after = {special.eos};
}

std::vector<Json> items_of(const Json& list) { return list.kind == Json::Kind::array ? list.items : std::vector<Json>{}; }

// Control tokens that tokenizer.json does not call special, though the documents beside it do.
void mend_types(const ModelFile& file, Vocabulary& vocabulary, SpecialIds& special, runtime::Call& call) {
  const std::vector<int32_t> doubtful = doubtful_control_tokens(vocabulary);
  if (doubtful.empty()) return;
  ControlEvidence evidence{special.stops, {}};
  evidence.ids.push_back(special.bos);
  const auto config =
      document_sections(file, "tokenizer_config.json", {"added_tokens_decoder", "additional_special_tokens", "chat_template"}, call);
  const auto map = document_sections(file, "special_tokens_map.json", {"additional_special_tokens"}, call);
  for (const Json& listed : {section(config, "additional_special_tokens", "tokenizer_config.json"),
                             section(map, "additional_special_tokens", "special_tokens_map.json")}) {
    for (const Json& token : items_of(listed)) {
      const Json* content = token.kind == Json::Kind::object ? token.find("content") : &token;
      if (content != nullptr) evidence.ids.push_back(vocabulary.id_of(content->string));
    }
  }
  if (const auto decoder = config.find("added_tokens_decoder"); decoder != config.end() && decoder->second.starts_with('{')) {
    std::vector<std::string> wanted;
    for (const int32_t id : doubtful) wanted.push_back(std::to_string(id));
    for (const auto& [id, text] : json_sections(decoder->second, "tokenizer_config.json: added_tokens_decoder", wanted, call.stop)) {
      const Json token = base::parse_json(text, "tokenizer_config.json: added_tokens_decoder");
      const Json *content = token.find("content"), *is_special = token.find("special");
      if (content != nullptr && is_special != nullptr && is_special->boolean) evidence.ids.push_back(vocabulary.id_of(content->string));
    }
  }
  if (const auto jinja = file.documents.find("chat_template.jinja"); jinja != file.documents.end())
    evidence.templates.push_back(jinja->second);
  const Json templates = section(config, "chat_template", "tokenizer_config.json");
  if (templates.kind == Json::Kind::string) evidence.templates.push_back(templates.string);
  for (const Json& named : items_of(templates)) {
    if (const Json* text = named.find("template")) evidence.templates.push_back(text->string);
  }
  special.mended = mend_control_types(vocabulary, evidence);
}

// Special tokens first, as `tokenizers` tries them; of those that are looked for in normalized text, the normalized text.
void split_added(const HuggingfaceVocabulary& read, const Vocabulary& vocabulary, HuggingfaceParts& parts, runtime::StopSignal& stop) {
  for (const bool special : {true, false}) {
    for (const HuggingfaceAdded& added : read.added) {
      if (added.special != special || added.text.empty()) continue;
      AddedToken token{added.id, added.text, is_marker(vocabulary, added.id), added.lstrip, added.rstrip, added.single_word};
      if (!added.normalized) {
        parts.added.push_back(std::move(token));
        continue;
      }
      parts.normalizer.apply(token.text, stop);
      parts.added_normalized.push_back(std::move(token));
    }
  }
  for (const int32_t id : parts.special.mended) {  // those that were only tokens of the model
    if (std::none_of(read.added.begin(), read.added.end(), [&](const HuggingfaceAdded& added) { return added.id == id; }))
      parts.added.push_back({.id = id, .text = std::string(vocabulary.text(id)), .marker = true});
  }
}

// Then no text needs the unknown token.
bool every_byte_has_a_token(const HuggingfaceParts& parts) {
  const auto has = [&](std::string_view text) {
    const int32_t id = parts.vocabulary.id_of(text);
    return id >= 0 && parts.in_model[static_cast<size_t>(id)];
  };
  for (int byte = 0; byte < 256; ++byte) {
    constexpr char digits[] = "0123456789ABCDEF";
    const std::string fallback{'<', '0', 'x', digits[byte / 16], digits[byte % 16], '>'};
    const bool found =
        parts.pretokenizer.spells_bytes() ? has(kByteAlphabet.of(static_cast<unsigned char>(byte))) : parts.byte_fallback && has(fallback);
    if (!found) return false;
  }
  return true;
}

std::unique_ptr<Tokenizer> read_tokenizer(const ModelFile& file, const std::string& text, runtime::Call& call) {
  const JsonSections sections = json_sections(text, "tokenizer.json", section_names(), call.stop);
  if (sections.count("model") == 0) base::fail(Status::data_loss, "tokenizer.json: model: missing");
  const ModelOptions options = read_model_options(sections);

  HuggingfaceVocabulary read;
  read_vocab(sections.at("model.vocab"), read, call.stop);
  if (sections.count("added_tokens") != 0) read_added_tokens(sections.at("added_tokens"), read, call.stop);
  if (!read.odd.empty()) base::log(base::LogLevel::warn, "rustml::tokenizer", read.odd);
  std::vector<bool> in_model;
  HuggingfaceParts parts(build_vocabulary(read, options.byte_fallback, options.unknown, in_model));
  parts.merges = read_merges(sections.at("model.merges"), parts.vocabulary, in_model, call.stop);
  parts.in_model = std::move(in_model);
  parts.fuse_unknown = options.fuse_unknown;
  parts.byte_fallback = options.byte_fallback;
  parts.ignore_merges = options.ignore_merges;
  if (const Json json = section(sections, "normalizer"); json.kind != Json::Kind::null) parts.normalizer = Normalizer(json);
  if (const Json json = section(sections, "pre_tokenizer"); json.kind != Json::Kind::null) parts.pretokenizer = PretokenizeSteps(json);
  if (!options.unknown.empty()) {
    parts.special.unknown = parts.vocabulary.id_of(options.unknown);
    const std::string lacks = "tokenizer.json: model.unk_token: the vocabulary has no token " + base::quoted(options.unknown);
    if (parts.special.unknown < 0 && !every_byte_has_a_token(parts)) base::fail(Status::data_loss, lacks);
    if (parts.special.unknown < 0) base::log(base::LogLevel::warn, "rustml::tokenizer", lacks + "; no text needs it");
  }
  if (const Json json = section(sections, "decoder"); json.kind != Json::Kind::null) parts.decoder = DecodeSteps(json);
  const bool has_template = read_post_processor(section(sections, "post_processor"), parts.vocabulary, parts.special);
  read_special_ids(file, has_template, parts.vocabulary, parts.special, call);
  mend_types(file, parts.vocabulary, parts.special, call);
  split_added(read, parts.vocabulary, parts, call.stop);

  base::Hasher pipeline;
  for (const auto& [name, json] : sections) {
    if (name == "model" || name == "model.vocab" || name == "model.merges") continue;
    pipeline.add(std::string_view(name));
    pipeline.add(json);
  }
  parts.pipeline = pipeline.finish64();
  return std::make_unique<HuggingfaceBpe>(std::move(parts));
}

}  // namespace

std::unique_ptr<Tokenizer> from_huggingface(const ModelFile& file, runtime::Call& call) {
  const auto text = file.documents.find("tokenizer.json");
  if (text == file.documents.end()) return nullptr;
  try {
    return read_tokenizer(file, text->second, call);
  } catch (const base::Error& error) {
    // The JSON reader's own complaint: here the text is a file's.
    if (error.status() == Status::invalid_argument) base::fail(Status::data_loss, error.message());
    throw;
  }
}

}  // namespace rustml::tokenizer
