#include "generation/guesses.h"

namespace rustml::generation {

Guesses::Guesses(uint64_t longest, size_t n_hidden, size_t n_vocab, std::shared_ptr<runtime::MemoryBudget> budget)
    : n_hidden_(n_hidden), n_vocab_(n_vocab) {
  const uint64_t rows = longest + 1;
  charge_ = runtime::Charge(std::move(budget), rows * (n_hidden + n_vocab) * sizeof(float), "prompt lookup");
  hidden_.resize(rows * n_hidden);
  logits_.resize(rows * n_vocab);
  ids_.reserve(rows);
}

std::span<const int32_t> Guesses::prepare(uint64_t position, int32_t last, std::span<const int32_t> draft) {
  forget();
  position_ = position;
  ids_.assign(1, last);
  ids_.insert(ids_.end(), draft.begin(), draft.end());
  return ids_;
}

std::optional<Guesses::Row> Guesses::find(uint64_t position, int32_t token) const noexcept {
  const uint64_t row = position - position_;
  if (position < position_ || row >= n_rows_ || ids_[row] != token) return std::nullopt;
  return Row{std::span(hidden_).subspan(row * n_hidden_, n_hidden_), std::span(logits_).subspan(row * n_vocab_, n_vocab_)};
}

}  // namespace rustml::generation
