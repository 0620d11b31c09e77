#include "tokenizer/vocabulary.h"

#include <algorithm>
#include <bit>

#include "base/error.h"
#include "base/hash.h"

namespace rustml::tokenizer {
namespace {

constexpr size_t kLongestProbe = 512;  // honest tables stay below 60

}  // namespace

Vocabulary::Vocabulary(const std::vector<std::string>& texts, std::vector<TokenType> types, std::vector<float> scores,
                       const std::string& key)
    : types_(std::move(types)), scores_(std::move(scores)) {
  using base::Status;
  const size_t n = texts.size();
  if (n == 0) base::fail(Status::data_loss, key + ": no tokens");
  if (n > kMostTokens)
    base::fail(Status::resource_exhausted, key + ": " + std::to_string(n) + " tokens, limit " + std::to_string(kMostTokens));
  uint64_t bytes = 0;
  for (const std::string& text : texts) bytes += text.size();
  if (bytes >= UINT32_MAX) base::fail(Status::resource_exhausted, key + ": " + std::to_string(bytes) + " bytes of tokens, limit 2^32 - 2");
  block_.reserve(bytes);
  begins_.reserve(n + 1);
  slots_.resize(std::bit_ceil(2 * n));
  for (size_t i = 0; i < n; ++i) {
    const std::string& text = texts[i];
    const auto place = [&] { return key + ": token " + std::to_string(i); };
    if (text.empty()) base::fail(Status::data_loss, place() + " is empty");
    if (text.size() > kLongestToken) {
      base::fail(Status::resource_exhausted,
                 place() + " has " + std::to_string(text.size()) + " bytes, limit " + std::to_string(kLongestToken));
    }
    longest_ = std::max(longest_, text.size());
    const uint64_t hash = base::hash64(text.data(), text.size());
    size_t at = hash & (slots_.size() - 1);
    size_t probes = 0;
    for (; slots_[at].id >= 0; at = (at + 1) & (slots_.size() - 1)) {
      if (slots_[at].tag == hash >> 32 && texts[static_cast<size_t>(slots_[at].id)] == text) {
        base::fail(Status::data_loss, place() + " repeats token " + std::to_string(slots_[at].id) + ", " + base::quoted(text));
      }
      if (++probes > kLongestProbe) base::fail(Status::data_loss, key + ": tokens are built to collide");
    }
    slots_[at] = {static_cast<uint32_t>(hash >> 32), static_cast<int32_t>(i)};
    begins_.push_back(static_cast<uint32_t>(block_.size()));
    block_ += text;
  }
  begins_.push_back(static_cast<uint32_t>(block_.size()));
}

int32_t Vocabulary::find(std::string_view wanted) const noexcept {
  if (wanted.size() > longest_) return -1;
  const uint64_t hash = base::hash64(wanted.data(), wanted.size());
  for (size_t at = hash & (slots_.size() - 1);; at = (at + 1) & (slots_.size() - 1)) {
    const Slot slot = slots_[at];
    if (slot.id < 0) return -1;
    if (slot.tag == hash >> 32 && text(slot.id) == wanted) return slot.id;
  }
}

}  // namespace rustml::tokenizer
