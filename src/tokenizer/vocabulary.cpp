#include "tokenizer/vocabulary.h"

#include <algorithm>
#include <bit>

#include "base/error.h"
#include "base/hash.h"

namespace rustml::tokenizer {
namespace {

constexpr size_t kLongestProbe = 512;  // honest tables stay below 60

}  // namespace

using base::Status;

Vocabulary::Vocabulary(const std::vector<std::string>& texts, std::vector<TokenType> types, std::vector<float> scores,
                       const std::string& key)
    : types_(std::move(types)), scores_(std::move(scores)) {
  uint64_t bytes = 0;
  for (const std::string& text : texts) bytes += text.size();
  if (bytes >= UINT32_MAX) base::fail(Status::resource_exhausted, key + ": " + std::to_string(bytes) + " bytes of tokens, limit 2^32 - 2");
  block_.reserve(bytes);
  begins_.reserve(texts.size() + 1);
  for (const std::string& text : texts) {
    begins_.push_back(static_cast<uint32_t>(block_.size()));
    block_ += text;
  }
  begins_.push_back(static_cast<uint32_t>(block_.size()));
  index(key);
}

Vocabulary Vocabulary::with_holes(std::string block, std::vector<uint32_t> begins, std::vector<TokenType> types, const std::string& key) {
  Vocabulary made;
  made.block_ = std::move(block);
  made.begins_ = std::move(begins);
  made.types_ = std::move(types);
  made.index(key);
  return made;
}

void Vocabulary::make_control(const std::vector<int32_t>& ids) {
  if (!mended_) types_of_file_ = types_;
  mended_ = true;
  if (types_.empty()) types_.assign(static_cast<size_t>(size()), TokenType::normal);
  for (const int32_t id : ids) types_[static_cast<size_t>(id)] = TokenType::control;
}

void Vocabulary::index(const std::string& key) {
  const size_t n = begins_.size() - 1;
  if (n > kMostTokens)
    base::fail(Status::resource_exhausted, key + ": " + std::to_string(n) + " tokens, limit " + std::to_string(kMostTokens));
  size_t n_texts = 0;
  for (size_t i = 0; i < n; ++i) n_texts += begins_[i] != begins_[i + 1];
  if (n_texts == 0) base::fail(Status::data_loss, key + ": no tokens");
  slots_.resize(std::bit_ceil(2 * n_texts));
  for (int32_t id = 0; id < size(); ++id) {
    const std::string_view token = text(id);
    if (token.empty()) continue;
    const auto place = [&] { return key + ": token " + std::to_string(id); };
    if (token.size() > kLongestToken) {
      base::fail(Status::resource_exhausted,
                 place() + " has " + std::to_string(token.size()) + " bytes, limit " + std::to_string(kLongestToken));
    }
    longest_ = std::max(longest_, token.size());
    const uint64_t hash = base::hash64(token.data(), token.size());
    size_t at = hash & (slots_.size() - 1);
    size_t probes = 0;
    for (; slots_[at].id >= 0; at = (at + 1) & (slots_.size() - 1)) {
      if (slots_[at].tag == hash >> 32 && text(slots_[at].id) == token) {
        base::fail(Status::data_loss, place() + " repeats token " + std::to_string(slots_[at].id) + ", " + base::quoted(token));
      }
      if (++probes > kLongestProbe) base::fail(Status::data_loss, key + ": tokens are built to collide");
    }
    slots_[at] = {static_cast<uint32_t>(hash >> 32), id};
  }
}

int32_t Vocabulary::id_of(std::string_view wanted) const noexcept {
  if (wanted.size() > longest_) return -1;
  const uint64_t hash = base::hash64(wanted.data(), wanted.size());
  for (size_t at = hash & (slots_.size() - 1);; at = (at + 1) & (slots_.size() - 1)) {
    const Slot slot = slots_[at];
    if (slot.id < 0) return -1;
    if (slot.tag == hash >> 32 && text(slot.id) == wanted) return slot.id;
  }
}

}  // namespace rustml::tokenizer
