#include "tokenizer/huggingface_vocabulary.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "base/error.h"
#include "base/json_scanner.h"

namespace rustml::tokenizer {
namespace {

using base::JsonScanner;
using base::JsonToken;
using base::Status;

constexpr size_t kPollEvery = 4096;
constexpr size_t kMostHoles = size_t{1} << 20;

[[noreturn]] void bad(const std::string& where, const std::string& problem) {
  base::fail(Status::data_loss, "tokenizer.json: " + where + ": " + problem);
}

[[noreturn]] void too_many(const std::string& where, const std::string& problem) {
  base::fail(Status::resource_exhausted, "tokenizer.json: " + where + ": " + problem);
}

int32_t read_id(std::string_view number, const std::string& where) {
  uint64_t id = 0;
  const auto read = std::from_chars(number.data(), number.data() + number.size(), id);
  if (read.ec == std::errc::result_out_of_range ||
      (read.ec == std::errc() && read.ptr == number.data() + number.size() && id >= kMostTokens)) {
    too_many(where, "the id " + std::string(number) + ", limit " + std::to_string(kMostTokens - 1));
  }
  if (read.ec != std::errc() || read.ptr != number.data() + number.size())
    bad(where, "the id " + std::string(number) + " is no integer from 0 on");
  return static_cast<int32_t>(id);
}

struct Place {  // of one id
  std::string_view text;
  TokenType type = TokenType::unused;
  bool in_model = false;
};

Vocabulary packed(const std::vector<Place>& places) {
  std::string block;
  std::vector<uint32_t> begins;
  std::vector<TokenType> types;
  begins.reserve(places.size() + 1);
  types.reserve(places.size());
  uint64_t bytes = 0;
  for (const Place& place : places) bytes += place.text.size();
  if (bytes >= UINT32_MAX) too_many("model.vocab", "over 2^32 bytes of tokens");
  block.reserve(bytes);
  for (const Place& place : places) {
    begins.push_back(static_cast<uint32_t>(block.size()));
    block += place.text;
    types.push_back(place.text.empty() ? TokenType::unused : place.type);
  }
  begins.push_back(static_cast<uint32_t>(block.size()));
  return Vocabulary::with_holes(std::move(block), std::move(begins), std::move(types), "tokenizer.json: model.vocab and added_tokens");
}

std::string_view text_of(const HuggingfaceVocabulary& read, size_t i) {
  const uint32_t begin = i == 0 ? 0 : read.ends[i - 1];
  return std::string_view(read.texts).substr(begin, read.ends[i] - begin);
}

// An added token whose text the model has gets the model's id, else that of the first added one: so `tokenizers` reads such files.
void settle_ids(HuggingfaceVocabulary& read) {
  std::map<std::string_view, int32_t> ids;
  for (const HuggingfaceAdded& added : read.added) ids.emplace(added.text, added.id);
  for (size_t i = 0; i < read.ids.size(); ++i) {
    if (const auto found = ids.find(text_of(read, i)); found != ids.end()) found->second = read.ids[i];
  }
  size_t n_odd = 0;
  std::string first;
  for (HuggingfaceAdded& added : read.added) {
    const int32_t id = ids.find(added.text)->second;
    if (added.text.empty() || id == added.id) continue;
    if (n_odd++ == 0) first = base::quoted(added.text) + " as " + std::to_string(added.id) + " and as " + std::to_string(id);
    added.id = id;
  }
  if (n_odd > 0) {
    read.odd = "tokenizer.json: added_tokens: " + std::to_string(n_odd) + " have another id elsewhere in the file, the first is " + first +
               "; the latter counts";
  }
}

}  // namespace

void read_vocab(std::string_view json, HuggingfaceVocabulary& out, runtime::StopSignal& stop) {
  JsonScanner scanner(json, "tokenizer.json: model.vocab");
  if (scanner.next() != JsonToken::begin_object) bad("model.vocab", "expected an object");
  out.texts.reserve(json.size() / 2);
  while (scanner.next() == JsonToken::key) {
    if (out.ids.size() % kPollEvery == 0) stop.check("model load");
    if (out.ids.size() == kMostTokens) too_many("model.vocab", "over " + std::to_string(kMostTokens) + " tokens");
    if (out.texts.size() + scanner.string().size() >= UINT32_MAX) too_many("model.vocab", "over 2^32 bytes of tokens");
    out.texts += scanner.string();
    out.ends.push_back(static_cast<uint32_t>(out.texts.size()));
    const std::string where = "model.vocab";
    if (scanner.next() != JsonToken::number) bad(where, "the token " + base::quoted(scanner.string()) + " has no number");
    out.ids.push_back(read_id(scanner.number(), where));
  }
}

void read_added_tokens(std::string_view json, HuggingfaceVocabulary& out, runtime::StopSignal& stop) {
  JsonScanner scanner(json, "tokenizer.json: added_tokens");
  JsonToken token = scanner.next();
  if (token == JsonToken::null) return;
  if (token != JsonToken::begin_array) bad("added_tokens", "expected an array");
  while ((token = scanner.next()) != JsonToken::end_array) {
    if (out.added.size() % kPollEvery == 0) stop.check("model load");
    const std::string where = "added_tokens[" + std::to_string(out.added.size()) + "]";
    if (out.added.size() == kMostTokens) too_many("added_tokens", "over " + std::to_string(kMostTokens) + " tokens");
    if (token != JsonToken::begin_object) bad(where, "expected an object");
    HuggingfaceAdded added{-1, {}, false, false, false, false, false};
    bool has_content = false;
    while (scanner.next() == JsonToken::key) {
      const std::string key = scanner.string();
      bool* flag = key == "special"       ? &added.special
                   : key == "lstrip"      ? &added.lstrip
                   : key == "rstrip"      ? &added.rstrip
                   : key == "single_word" ? &added.single_word
                   : key == "normalized"  ? &added.normalized
                                          : nullptr;
      token = scanner.next();
      if (key == "id") {
        if (token != JsonToken::number) bad(where, "id: expected a number");
        added.id = read_id(scanner.number(), where);
      } else if (key == "content") {
        if (token != JsonToken::string) bad(where, "content: expected a string");
        added.text = scanner.string();
        has_content = true;
      } else if (flag != nullptr) {
        if (token != JsonToken::boolean) bad(where, key + ": expected true or false");
        *flag = scanner.boolean();
      } else if (token == JsonToken::begin_object || token == JsonToken::begin_array) {  // not known here
        for (const size_t depth = scanner.depth(); scanner.depth() >= depth;) scanner.next();
      }
    }
    if (added.id < 0 || !has_content) bad(where, "id or content is missing");
    out.added.push_back(std::move(added));
  }
  settle_ids(out);
}

Vocabulary build_vocabulary(const HuggingfaceVocabulary& read, bool byte_fallback, std::string_view unknown, std::vector<bool>& in_model) {
  int32_t last = -1;
  for (const int32_t id : read.ids) last = std::max(last, id);
  for (const HuggingfaceAdded& added : read.added) last = std::max(last, added.id);
  const size_t n = static_cast<size_t>(last + 1), n_named = read.ids.size() + read.added.size();
  if (n > 2 * n_named + kMostHoles) {
    too_many("model.vocab", "ids up to " + std::to_string(last) + " for " + std::to_string(n_named) + " tokens, limit " +
                                std::to_string(kMostHoles) + " ids without a token");
  }
  std::vector<Place> places(n);
  for (size_t i = 0; i < read.ids.size(); ++i) {
    Place& place = places[static_cast<size_t>(read.ids[i])];
    const std::string_view text = text_of(read, i);
    if (place.in_model) {
      bad("model.vocab",
          "the tokens " + base::quoted(place.text) + " and " + base::quoted(text) + " have one id, " + std::to_string(read.ids[i]));
    }
    const bool byte = byte_fallback && fallback_byte(text) >= 0;
    place = {text, byte ? TokenType::byte : text == unknown && !unknown.empty() ? TokenType::unknown : TokenType::normal, true};
  }
  for (const HuggingfaceAdded& added : read.added) {
    if (added.text.empty()) continue;  // as in `tokenizers`: it is never found
    Place& place = places[static_cast<size_t>(added.id)];
    if ((place.in_model || !place.text.empty()) && place.text != added.text) {
      bad("added_tokens", base::quoted(added.text) + " and " + base::quoted(place.text) + " have one id, " + std::to_string(added.id));
    }
    place.text = added.text;
    if (added.special) {
      place.type = TokenType::control;
    } else if (place.type != TokenType::control && place.type != TokenType::unknown) {
      place.type = TokenType::user_defined;
    }
  }
  in_model.clear();
  for (const Place& place : places) in_model.push_back(place.in_model);
  return packed(places);
}

std::vector<MergeEntry> read_merges(std::string_view json, const Vocabulary& vocabulary, const std::vector<bool>& in_model,
                                    runtime::StopSignal& stop) {
  JsonScanner scanner(json, "tokenizer.json: model.merges");
  if (scanner.next() != JsonToken::begin_array) bad("model.merges", "expected an array");
  std::vector<MergeEntry> merges;
  merges.reserve(std::min(json.size() / 8, kMostMerges));
  const auto id_of = [&](std::string_view text) {
    const int32_t id = vocabulary.id_of(text);
    return id >= 0 && in_model[static_cast<size_t>(id)] ? id : -1;
  };
  std::string joined;
  size_t index = 0;
  for (JsonToken token; (token = scanner.next()) != JsonToken::end_array; ++index) {
    if (index % kPollEvery == 0) stop.check("model load");
    if (index == kMostMerges) too_many("model.merges", "over " + std::to_string(kMostMerges) + " merges");
    const auto fail = [&](const std::string& why) { bad("model.merges[" + std::to_string(index) + "]", why); };
    size_t left_size = 0;
    if (token == JsonToken::string) {
      joined = scanner.string();
      if (joined.starts_with("#version")) continue;
      left_size = joined.find(' ');
      if (left_size == std::string::npos || joined.find(' ', left_size + 1) != std::string::npos) {
        fail(base::quoted(joined) + " is not two tokens with one blank between them");
      }
      joined.erase(left_size, 1);
    } else if (token == JsonToken::begin_array) {
      if (scanner.next() != JsonToken::string) fail("expected two strings");
      joined = scanner.string();
      left_size = joined.size();
      if (scanner.next() != JsonToken::string) fail("expected two strings");
      joined += scanner.string();
      if (scanner.next() != JsonToken::end_array) fail("expected two strings");
    } else {
      fail("expected a string or an array of two");
    }
    const std::string_view left = std::string_view(joined).substr(0, left_size), right = std::string_view(joined).substr(left_size);
    const MergeEntry merge{id_of(left), id_of(right), id_of(joined)};
    if (merge.left < 0) fail("the vocabulary lacks its first half, " + base::quoted(left));
    if (merge.right < 0) fail("the vocabulary lacks its second half, " + base::quoted(right));
    if (merge.joined < 0) fail("the vocabulary lacks what it makes, " + base::quoted(joined));
    merges.push_back(merge);
  }
  return merges;
}

}  // namespace rustml::tokenizer
