// Cost on a vocabulary of V: a few linear passes (copy, exp, scan), never a full sort but for a nucleus or typical set that
// is itself most of the vocabulary. Sums are double, in a fixed order, so a result is the same on every run and thread count.
#include "generation/sampler.h"

#include <algorithm>
#include <cassert>
#include <cfloat>
#include <cmath>
#include <string>

#include "base/math.h"
#include "generation/random.h"

namespace rustml::generation {
namespace {

template <class Item>
auto better(float Item::*value) {
  return [value](const Item& a, const Item& b) { return a.*value > b.*value || (a.*value == b.*value && a.id < b.id); };
}

// Room for select_best of k out of n.
size_t selection_capacity(size_t k, size_t n) { return k == 0 ? 0 : std::min(n, std::max<size_t>(2 * k, 256)); }

// out = the k best of values[n], best first, 0 < k <= n. One pass with a rising bar: what may still be among the best is
// collected; whenever the room is full, the worse part is dropped and the bar raised. A value equal to the bar comes too
// late: its id is higher. O(n + k log k).
template <class Item>
void select_best(const float* values, int32_t n, size_t k, float Item::*value, std::vector<Item>& out) {
  const size_t room = selection_capacity(k, static_cast<size_t>(n));
  const auto trim = [&] {
    if (out.size() <= k) return;
    const auto last = out.begin() + static_cast<ptrdiff_t>(k) - 1;
    std::nth_element(out.begin(), last, out.end(), better(value));
    out.resize(k);
  };
  out.clear();
  float bar = -INFINITY;
  bool barred = false;
  for (int32_t id = 0; id < n; ++id) {
    if (barred && !(values[id] > bar)) continue;
    Item item{};
    item.id = id;
    item.*value = values[id];
    out.push_back(item);
    if (out.size() == room && id + 1 < n) {
      trim();
      bar = out.back().*value;  // nth_element leaves the worst of the k there
      barred = true;
    }
  }
  trim();
  std::sort(out.begin(), out.end(), better(value));
}

// The first of the items, in their order, whose cumulative weight exceeds u * total. Rounding at the very end: the last with
// any weight.
template <class Weight>
size_t draw(size_t n, double target, Weight weight) {
  double sum = 0;
  size_t last = 0;
  for (size_t i = 0; i < n; ++i) {
    if (weight(i) <= 0) continue;
    sum += weight(i);
    last = i;
    if (sum > target) break;
  }
  return last;
}

}  // namespace

Sampler::Sampler(const SamplingOptions& options, int32_t vocab, const kernels::KernelTable& kernels)
    : options_(options),
      vocab_(vocab),
      kernels_(kernels),
      penalties_(options.repetition_penalty != 1 || options.presence_penalty != 0 || options.frequency_penalty != 0),
      adjusts_(penalties_ || !options.logit_bias.empty()),
      greedy_(options.temperature == 0),
      top_k_(options.top_k > 0 && options.top_k < vocab),
      filters_(top_k_ || options.typical_p < 1 || options.top_p < 1 || options.min_p > 0) {
  const auto n = static_cast<size_t>(vocab);
  if (!greedy_ || adjusts_) scores_.resize(n);
  if (!greedy_) {
    weights_.resize(n);
    if (filters_) candidates_.reserve(top_k_ ? selection_capacity(static_cast<size_t>(options.top_k), n) : n);
  }
  if (penalties_) {
    counts_.resize(n);
    slots_.resize(n);
    present_.reserve(n);
  }
  best_.reserve(selection_capacity(std::min<size_t>(options.logprobs, n), n));
}

int32_t Sampler::sample(const float* logits, std::span<const int32_t> tokens, uint64_t position) {
  require_usable(logits, vocab_, kernels_);
  if (greedy_ && !adjusts_) return static_cast<int32_t>(kernels_.argmax(logits, vocab_));
  std::copy(logits, logits + vocab_, scores_.begin());
  count(tokens);
  adjust();
  const float largest = kernels_.max(scores_.data(), vocab_);
  if (largest == -INFINITY) fail(Status::invalid_argument, "logit_bias forbids every token that the model allows here; leave at least one");
  if (greedy_) return static_cast<int32_t>(kernels_.argmax(scores_.data(), vocab_));

  // Subtracting first keeps the largest at exactly 0 for any temperature, however small.
  for (float& score : scores_) score = (score - largest) / options_.temperature;
  const double u = uniform(options_.seed, position);
  if (!filters_) {
    kernels_.exp(scores_.data(), vocab_, 0, weights_.data());
    double total = 0;
    for (const float weight : weights_) total += weight;
    return static_cast<int32_t>(draw(weights_.size(), u * total, [&](size_t i) { return weights_[i]; }));
  }
  double total = choose_candidates();
  if (options_.typical_p < 1) {
    keep_typical(total);
    total = candidate_total();
  }
  if (options_.top_p < 1) {
    for (Candidate& c : candidates_) c.key = scores_[static_cast<size_t>(c.id)];
    keep_mass(options_.top_p, total);
  }
  if (options_.min_p > 0) keep_min_p();
  std::sort(candidates_.begin(), candidates_.end(), [](const Candidate& a, const Candidate& b) { return a.id < b.id; });
  const size_t at = draw(candidates_.size(), u * candidate_total(), [&](size_t i) { return candidates_[i].weight; });
  return candidates_[at].id;
}

// A value of -inf is a token that the model forbids; anything else that is not finite is damage.
void require_usable(const float* logits, int64_t vocab, const kernels::KernelTable& kernels) {
  if (kernels.all_finite(logits, vocab)) return;
  constexpr const char* kCause = "; the weights (open with check_tensors = 1) or a restored snapshot are damaged";
  const float* bad = std::find_if(logits, logits + vocab, [](float x) { return std::isnan(x) || x == INFINITY; });
  if (bad != logits + vocab)
    fail(Status::data_loss,
         "logits are not finite: token " + std::to_string(bad - logits) + " has " + (std::isnan(*bad) ? "nan" : "inf") + kCause);
  if (std::none_of(logits, logits + vocab, [](float x) { return std::isfinite(x); }))
    fail(Status::data_loss, std::string("logits are all -inf") + kCause);
}

void Sampler::reset() noexcept {
  for (const int32_t id : present_) counts_[static_cast<size_t>(id)] = 0;
  present_.clear();
  begin_ = end_ = 0;
}

void Sampler::count(std::span<const int32_t> tokens) {
  if (!penalties_) return;
  const size_t window = options_.repetition_window == 0 ? tokens.size() : options_.repetition_window;
  const size_t begin = tokens.size() - std::min(window, tokens.size());
  if (tokens.size() < end_ || begin >= end_) {
    reset();
    begin_ = end_ = begin;
  }
  while (end_ < tokens.size()) add_count(tokens[end_++]);
  while (begin_ < begin) drop_count(tokens[begin_++]);
}

void Sampler::add_count(int32_t id) {
  assert(id >= 0 && id < vocab_);
  const auto i = static_cast<size_t>(id);
  if (counts_[i]++ > 0) return;
  slots_[i] = static_cast<uint32_t>(present_.size());
  present_.push_back(id);
}

void Sampler::drop_count(int32_t id) {
  const auto i = static_cast<size_t>(id);
  assert(counts_[i] > 0);
  if (--counts_[i] > 0) return;
  const int32_t moved = present_.back();
  present_[slots_[i]] = moved;
  slots_[static_cast<size_t>(moved)] = slots_[i];
  present_.pop_back();
}

// Sums are capped at the largest float, so that a huge bias cannot make an infinity; below, -inf only forbids.
void Sampler::adjust() {
  for (const auto [id, bias] : options_.logit_bias) {
    float& score = scores_[static_cast<size_t>(id)];
    score = std::min(score + bias, FLT_MAX);
  }
  for (const int32_t id : present_) {
    float& score = scores_[static_cast<size_t>(id)];
    score = score < 0 ? score * options_.repetition_penalty : score / options_.repetition_penalty;
    score -= options_.presence_penalty + options_.frequency_penalty * static_cast<float>(counts_[static_cast<size_t>(id)]);
    score = std::min(score, FLT_MAX);
  }
}

// Fills candidates_ with what the first filter that is on leaves, or a little more; returns the weight of all tokens that
// the next filter's shares refer to.
double Sampler::choose_candidates() {
  if (top_k_) {
    select_best(scores_.data(), vocab_, static_cast<size_t>(options_.top_k), &Candidate::key, candidates_);
    for (size_t i = 0; i < candidates_.size(); ++i) weights_[i] = candidates_[i].key;
    kernels_.exp(weights_.data(), static_cast<int64_t>(candidates_.size()), 0, weights_.data());
    for (size_t i = 0; i < candidates_.size(); ++i) candidates_[i].weight = weights_[i];
    return candidate_total();
  }
  kernels_.exp(scores_.data(), vocab_, 0, weights_.data());
  double total = 0;
  for (const float weight : weights_) total += weight;
  if (options_.typical_p < 1) {
    gather_above(-INFINITY);
    return total;
  }
  if (options_.top_p == 1) {
    gather_above(static_cast<float>(base::natural_log(options_.min_p)) - 1);
    return total;
  }
  // The nucleus is the best tokens: it lies among those above a bar as soon as they hold its share of the weight.
  for (const float bar : {-4.0F, -8.0F, -16.0F, -32.0F, -INFINITY}) {
    gather_above(bar);
    if (candidate_total() >= options_.top_p * total) break;
  }
  return total;
}

void Sampler::gather_above(float score) {
  candidates_.clear();
  for (int32_t id = 0; id < vocab_; ++id) {
    const auto i = static_cast<size_t>(id);
    if (scores_[i] >= score && weights_[i] > 0) candidates_.push_back({id, scores_[i], weights_[i]});
  }
}

// Locally typical sampling (Meister et al. 2022): ranks tokens by how close their surprise -log p is to its mean, the entropy.
void Sampler::keep_typical(double total) {
  const double log_total = base::natural_log(total);
  double entropy = 0;
  for (const Candidate& c : candidates_) {
    if (c.weight > 0) entropy += c.weight / total * (log_total - scores_[static_cast<size_t>(c.id)]);
  }
  for (Candidate& c : candidates_) c.key = static_cast<float>(-std::fabs(log_total - scores_[static_cast<size_t>(c.id)] - entropy));
  keep_mass(options_.typical_p, total);
}

// Keeps the best by key until they hold `share` of `total`: a token stays if those before it hold less. Ranks only as many as
// it needs, in growing portions.
void Sampler::keep_mass(double share, double total) {
  const auto order = better(&Candidate::key);
  size_t ranked = 0, kept = 0, portion = 64;
  double mass = 0;
  while (ranked < candidates_.size() && mass < share * total) {
    const size_t end = std::min(candidates_.size(), ranked + portion);
    const auto first = candidates_.begin() + static_cast<ptrdiff_t>(ranked);
    const auto last = candidates_.begin() + static_cast<ptrdiff_t>(end);
    if (last != candidates_.end()) std::nth_element(first, last, candidates_.end(), order);
    std::sort(first, last, order);
    for (; kept < end && mass < share * total; ++kept) mass += candidates_[kept].weight;
    ranked = end;
    portion *= 4;
  }
  candidates_.resize(kept);
}

void Sampler::keep_min_p() {
  float largest = 0;
  for (const Candidate& c : candidates_) largest = std::max(largest, c.weight);
  std::erase_if(candidates_, [&](const Candidate& c) { return c.weight < options_.min_p * largest; });
}

double Sampler::candidate_total() const {
  double total = 0;
  for (const Candidate& c : candidates_) total += c.weight;
  return total;
}

Logprobs Sampler::logprobs(const float* logits, int32_t token) {
  require_usable(logits, vocab_, kernels_);
  const float largest = kernels_.max(logits, vocab_);
  const double log_sum = base::natural_log(kernels_.sum_exp(logits, vocab_, largest));
  const auto logprob = [&](float logit) { return static_cast<float>((static_cast<double>(logit) - largest) - log_sum); };
  best_.clear();
  if (const size_t n = std::min<size_t>(options_.logprobs, static_cast<size_t>(vocab_)); n > 0) {
    select_best(logits, vocab_, n, &TokenLogprob::logprob, best_);
    for (TokenLogprob& entry : best_) entry.logprob = logprob(entry.logprob);
  }
  return {logprob(logits[token]), best_};
}

}  // namespace rustml::generation
