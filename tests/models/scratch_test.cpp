#include "models/scratch.h"

#include <gtest/gtest.h>

#include <cstring>

#include "base/error.h"

namespace rustml::models {
namespace {

TEST(Scratch, PiecesAreDisjointAndCounted) {
  Config c{};
  c.n_heads = 6, c.n_kv_heads = 2, c.head_dim = 22, c.hidden = 54, c.ffn = 90;
  c.rope_base = 1, c.window = 8, c.post_norms = true;
  const auto budget = std::make_shared<runtime::MemoryBudget>(0);
  Scratch s(c, 7, 300, 3, budget);
  EXPECT_EQ(budget->now(), Scratch::bytes(c, 7, 300, 3));
  EXPECT_EQ(s.members.size(), 3u);
  // Each piece keeps its own value when all are filled.
  struct Piece {
    float* p;
    int64_t n;
  };
  std::vector<Piece> pieces = {{s.x, 7 * 54},
                               {s.y, 7 * 54},
                               {s.window_cosines, 7 * 11},
                               {s.window_sines, 7 * 11},
                               {s.qkv, 7 * 10 * 22},
                               {s.attended, 7 * 6 * 22},
                               {s.gate, 7 * 90},
                               {s.up, 7 * 90},
                               {s.cosines, 7 * 11},
                               {s.sines, 7 * 11},
                               {s.chunk_rows.f, 7 * 132},
                               {s.chunk_rows.d, 7 * 5},
                               {s.partial.m, 6 * 3},
                               {s.partial.l, 6 * 3},
                               {s.partial.o, 6 * 3 * 22}};
  for (const Scratch::OfMember& m : s.members) {
    pieces.push_back({m.single_row.f, 132});
    pieces.push_back({m.merged, 132});
    pieces.push_back({reinterpret_cast<float*>(m.kernel), kernels::kScratchBytes / 4});
    pieces.push_back({m.partial.o, ops::kAttentionQueries * 3 * 22});
  }
  for (size_t i = 0; i < pieces.size(); ++i)
    for (int64_t j = 0; j < pieces[i].n; ++j) pieces[i].p[j] = static_cast<float>(i);
  for (size_t i = 0; i < pieces.size(); ++i) {
    EXPECT_EQ(reinterpret_cast<uintptr_t>(pieces[i].p) % 64, 0u);
    for (int64_t j = 0; j < pieces[i].n; ++j) ASSERT_EQ(pieces[i].p[j], static_cast<float>(i)) << "piece " << i;
  }
}

TEST(Scratch, OfOneMemberMore) {
  Config c{};
  c.n_heads = 6, c.n_kv_heads = 2, c.head_dim = 22, c.hidden = 54, c.ffn = 90;
  const auto piece = [](uint64_t bytes) { return (bytes + 63) / 64 * 64; };
  // One token of 132 values, in floats and in blocks of 32; what it attended; partial results of 24 queries in 3 blocks; the kernels'.
  const uint64_t token = piece(132 * 4) + piece(5 * 32) + 2 * piece(5 * 4), partial = 2 * piece(24 * 3 * 4) + piece(24 * 3 * 22 * 4);
  EXPECT_EQ(Scratch::bytes(c, 7, 300, 4) - Scratch::bytes(c, 7, 300, 3), token + piece(132 * 4) + partial + kernels::kScratchBytes);
}

TEST(Scratch, RespectsTheModelsLimit) {
  Config c{};
  c.n_heads = c.n_kv_heads = 1, c.head_dim = c.hidden = c.ffn = 32;
  EXPECT_THROW(Scratch(c, 128, 1024, 2, std::make_shared<runtime::MemoryBudget>(1000)), base::Error);
}

}  // namespace
}  // namespace rustml::models
