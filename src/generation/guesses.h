// The results of guessed tokens: one pass over the last token and a draft behind it leaves a row for each of them. A row
// counts only once the session's next token is the one that was guessed; its cells are then in the cache already, behind the
// evaluated ones. Any other pass writes over those cells, so it forgets the rows.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "runtime/memory.h"

namespace rustml::generation {

class Guesses {
 public:
  Guesses() = default;  // without room for any
  // Takes memory for drafts of up to `longest` tokens, or throws.
  Guesses(uint64_t longest, size_t n_hidden, size_t n_vocab, std::shared_ptr<runtime::MemoryBudget> budget);

  // The tokens of the pass to come: `last` at `position`, then the draft. What it gives goes to hidden() and logits(), and counts
  // from finish() on.
  std::span<const int32_t> prepare(uint64_t position, int32_t last, std::span<const int32_t> draft);
  float* hidden() noexcept { return hidden_.data(); }  // [tokens][hidden]
  float* logits() noexcept { return logits_.data(); }  // [tokens][vocab]
  void finish() noexcept { n_rows_ = ids_.size(); }
  void forget() noexcept { n_rows_ = 0; }

  struct Row {
    std::span<const float> hidden, logits;
  };
  // If `token` at `position` was evaluated: what follows it.
  std::optional<Row> find(uint64_t position, int32_t token) const noexcept;

 private:
  uint64_t position_ = 0;  // of the first token
  std::vector<int32_t> ids_;
  size_t n_rows_ = 0;  // 0 or all of them
  size_t n_hidden_ = 0, n_vocab_ = 0;
  std::vector<float> hidden_, logits_;
  runtime::Charge charge_;
};

}  // namespace rustml::generation
