// The merge loop of byte pair encoding: again and again the neighbours of lowest rank, the leftmost first, become one.
//
// `merge_of(left, right, end)` says what two neighbours become; `end` is where the right one ends in the text.
// Short words: look at all pairs each time. Long ones: positions wait in one bucket per rank, the ranks in a heap. Positions
// enter a bucket nearly in order, so a bucket is sorted at most once; what enters while it is being emptied goes into a heap
// of its own. That is O(n log n) for any text and any vocabulary, and no recursion.
#pragma once
#include <algorithm>
#include <cstdint>
#include <functional>
#include <queue>
#include <unordered_map>
#include <vector>

#include "runtime/deadline.h"
#include "tokenizer/flat_map.h"

namespace rustml::tokenizer {

constexpr uint32_t kNoMerge = UINT32_MAX;

struct Merge {
  uint32_t rank = kNoMerge;
  int32_t id = -1;
};

// One merge of a file: the ids of two tokens and of what they become. Its place in the list is its rank.
struct MergeEntry {
  int32_t left, right, joined;
};

struct Symbol {
  uint32_t begin;   // in the text; ends where the next symbol begins
  int32_t id;       // -1: not a token by itself
  Merge with_next;  // kept by merge_symbols
};

// What pairs of ids become.
struct PairMerges : FlatMap<Merge> {
  using FlatMap::FlatMap;
  static constexpr uint64_t key(int32_t left, int32_t right) {
    return uint64_t{static_cast<uint32_t>(left)} << 32 | static_cast<uint32_t>(right);
  }
  Merge operator()(const Symbol& left, const Symbol& right, uint32_t) const {
    const Merge* found = find(key(left.id, right.id));
    return found == nullptr ? Merge{} : *found;
  }
};

template <class MergeOf>
class Merger {
 public:
  explicit Merger(const MergeOf& merge_of) : merge_of_(merge_of) {}

  // symbols: of one word that ends at text_end. Leaves the merged symbols, in order.
  void run(std::vector<Symbol>& symbols, uint32_t text_end, runtime::StopSignal& stop) {
    if (symbols.size() < 2) return;
    symbols_ = symbols.data();
    text_end_ = text_end;
    if (symbols.size() <= kShort) {
      run_short(symbols);
    } else {
      run_long(symbols, stop);
    }
  }

 private:
  static constexpr size_t kShort = 40;
  static constexpr uint32_t kNone = UINT32_MAX;
  static constexpr uint32_t kPollEvery = 8192;  // merges; about a millisecond

  struct Bucket {
    std::vector<uint32_t> positions, late;
    size_t next = 0;
    bool open = false;
  };

  void run_short(std::vector<Symbol>& symbols) {
    size_t n = symbols.size();
    Symbol* s = symbols.data();
    const auto pair = [&](size_t i) {
      s[i].with_next = i + 1 < n ? merge_of_(s[i], s[i + 1], i + 2 < n ? s[i + 2].begin : text_end_) : Merge{};
    };
    for (size_t i = 0; i < n; ++i) pair(i);
    for (;;) {
      size_t best = 0;
      for (size_t i = 1; i < n; ++i) {
        if (s[i].with_next.rank < s[best].with_next.rank) best = i;
      }
      if (s[best].with_next.rank == kNoMerge) break;
      s[best].id = s[best].with_next.id;
      std::copy(s + best + 2, s + n, s + best + 1);
      --n;
      pair(best);
      if (best > 0) pair(best - 1);
    }
    symbols.resize(n);
  }

  void run_long(std::vector<Symbol>& symbols, runtime::StopSignal& stop) {
    const auto n = static_cast<uint32_t>(symbols.size());
    prev_.resize(n);
    next_.resize(n);
    for (uint32_t i = 0; i < n; ++i) {
      if (i % kPollEvery == 0) stop.check("encoding");
      prev_[i] = i == 0 ? kNone : i - 1;
      next_[i] = i + 1 == n ? kNone : i + 1;
    }
    for (uint32_t i = 0; i < n; ++i) {
      if (i % kPollEvery == 0) stop.check("encoding");
      pair(i);
    }
    uint32_t polls = 0;
    while (!ranks_.empty()) {
      const uint32_t rank = ranks_.top();
      Bucket& bucket = buckets_.find(rank)->second;
      uint32_t at = 0;
      if (!take(bucket, at)) {
        ranks_.pop();
        buckets_.erase(rank);
        continue;
      }
      if (symbols_[at].with_next.rank != rank) continue;  // one of the two has gone into another symbol since
      if (++polls % kPollEvery == 0) stop.check("encoding");
      const uint32_t gone = next_[at];
      symbols_[at].id = symbols_[at].with_next.id;
      symbols_[gone].with_next = {};
      next_[at] = next_[gone];
      if (next_[at] != kNone) prev_[next_[at]] = at;
      pair(at);
      if (prev_[at] != kNone) pair(prev_[at]);
    }
    size_t kept = 0;
    for (uint32_t i = 0; i != kNone; i = next_[i]) symbols[kept++] = symbols[i];
    symbols.resize(kept);
    buckets_.clear();
  }

  // Looks up what i and its right neighbour become, and queues it.
  void pair(uint32_t i) {
    const uint32_t right = next_[i];
    if (right == kNone) {
      symbols_[i].with_next = {};
      return;
    }
    const uint32_t after = next_[right];
    const Merge merge = merge_of_(symbols_[i], symbols_[right], after == kNone ? text_end_ : symbols_[after].begin);
    symbols_[i].with_next = merge;
    if (merge.rank == kNoMerge) return;
    const auto [place, is_new] = buckets_.try_emplace(merge.rank);
    if (is_new) ranks_.push(merge.rank);
    Bucket& bucket = place->second;
    if (!bucket.open) {
      bucket.positions.push_back(i);
    } else {
      bucket.late.push_back(i);
      std::push_heap(bucket.late.begin(), bucket.late.end(), std::greater<>());
    }
  }

  // The leftmost position of a bucket, taken out; false if there is none.
  static bool take(Bucket& bucket, uint32_t& at) {
    if (!bucket.open) {
      if (!std::is_sorted(bucket.positions.begin(), bucket.positions.end())) {
        std::sort(bucket.positions.begin(), bucket.positions.end());
      }
      bucket.open = true;
    }
    const bool has_main = bucket.next < bucket.positions.size();
    if (!bucket.late.empty() && (!has_main || bucket.late.front() < bucket.positions[bucket.next])) {
      at = bucket.late.front();
      std::pop_heap(bucket.late.begin(), bucket.late.end(), std::greater<>());
      bucket.late.pop_back();
      return true;
    }
    if (has_main) at = bucket.positions[bucket.next++];
    return has_main;
  }

  const MergeOf& merge_of_;
  Symbol* symbols_ = nullptr;
  uint32_t text_end_ = 0;
  std::vector<uint32_t> prev_, next_;
  std::unordered_map<uint32_t, Bucket> buckets_;
  std::priority_queue<uint32_t, std::vector<uint32_t>, std::greater<>> ranks_;
};

}  // namespace rustml::tokenizer
