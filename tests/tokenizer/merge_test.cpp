// The merge loop against the definition of byte pair encoding, followed literally.
#include "tokenizer/merge.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>

#include "base/error.h"

namespace {

using namespace rustml::tokenizer;

using Table = std::map<std::pair<int32_t, int32_t>, Merge>;

struct Lookup {
  const Table& table;
  Merge operator()(const Symbol& left, const Symbol& right, uint32_t) const {
    const auto found = table.find({left.id, right.id});
    return found == table.end() ? Merge{} : found->second;
  }
};

// A vocabulary of texts over {0, 1, 2}; ids are positions, merges join texts. Ranks are drawn, so a merge may come before
// those that make its halves, which trained vocabularies never do but hostile ones may.
Table make_table(const std::vector<std::pair<uint8_t, uint8_t>>& joins, const std::vector<uint32_t>& ranks) {
  std::vector<std::string> texts{"a", "b", "c"};
  Table table;
  for (size_t i = 0; i < joins.size() && i < ranks.size(); ++i) {
    const auto left = static_cast<int32_t>(joins[i].first % texts.size()), right = static_cast<int32_t>(joins[i].second % texts.size());
    const std::string text = texts[static_cast<size_t>(left)] + texts[static_cast<size_t>(right)];
    const auto found = std::find(texts.begin(), texts.end(), text);
    const auto id = static_cast<int32_t>(found - texts.begin());
    if (found == texts.end()) texts.push_back(text);
    table.emplace(std::pair(left, right), Merge{ranks[i] % 1000, id});
  }
  return table;
}

std::vector<int32_t> naive(std::vector<int32_t> ids, const Table& table) {
  for (;;) {
    uint32_t best_rank = kNoMerge;
    size_t best = 0;
    for (size_t i = 0; i + 1 < ids.size(); ++i) {
      const auto found = table.find({ids[i], ids[i + 1]});
      if (found != table.end() && found->second.rank < best_rank) best_rank = found->second.rank, best = i;
    }
    if (best_rank == kNoMerge) return ids;
    ids[best] = table.at({ids[best], ids[best + 1]}).id;
    ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(best) + 1);
  }
}

RC_GTEST_PROP(Merge, FollowsTheDefinition, (const std::vector<std::pair<uint8_t, uint8_t>>& joins, const std::vector<uint32_t>& ranks)) {
  const Table table = make_table(joins, ranks);
  const size_t n = *rc::gen::inRange<size_t>(0, 200);  // short and long words
  const int letters = *rc::gen::inRange(1, 4);
  std::vector<Symbol> symbols;
  std::vector<int32_t> ids;
  for (size_t i = 0; i < n; ++i) {
    ids.push_back(*rc::gen::inRange(0, letters));
    symbols.push_back({static_cast<uint32_t>(i), ids.back(), {}});
  }
  rustml::runtime::StopSignal stop;
  const Lookup lookup{table};
  Merger<Lookup>(lookup).run(symbols, static_cast<uint32_t>(n), stop);
  std::vector<int32_t> merged;
  for (const Symbol& symbol : symbols) merged.push_back(symbol.id);
  RC_ASSERT(merged == naive(ids, table));
  RC_ASSERT(std::is_sorted(symbols.begin(), symbols.end(), [](const Symbol& a, const Symbol& b) { return a.begin < b.begin; }));
}

TEST(Merge, OneMergerServesManyWords) {
  const Table table{{{0, 1}, {5, 3}}, {{3, 3}, {2, 4}}};
  const Lookup lookup{table};
  Merger<Lookup> merger(lookup);
  rustml::runtime::StopSignal stop;
  for (const size_t n : {2u, 100u, 4u, 4096u}) {
    std::vector<Symbol> symbols;
    for (size_t i = 0; i < n; ++i) symbols.push_back({static_cast<uint32_t>(i), static_cast<int32_t>(i % 2), {}});
    merger.run(symbols, static_cast<uint32_t>(n), stop);
    EXPECT_EQ(symbols.size(), (n / 2 + 1) / 2) << n;
  }
}

TEST(Merge, StopsInsideALongWord) {
  const Table table{{{0, 0}, {1, 1}}};
  std::vector<Symbol> symbols(100'000, Symbol{0, 0, {}});
  rustml::runtime::CancelFlag flag;
  flag.trigger(1);
  rustml::runtime::StopSignal stop(&flag);
  const Lookup lookup{table};
  EXPECT_THROW(Merger<Lookup>(lookup).run(symbols, 100'000, stop), rustml::base::Error);
}

}  // namespace
