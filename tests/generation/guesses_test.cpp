#include "generation/guesses.h"

#include <gtest/gtest.h>

#include <numeric>

#include "base/error.h"

namespace rustml::generation {
namespace {

constexpr size_t kHidden = 3, kLogits = 5;

// A pass over token 7 at position 10 and guesses 8 and 9: values 0, 1, 2, ... of both.
void evaluate(Guesses& guesses) {
  const std::vector<int32_t> draft = {8, 9};
  const auto ids = guesses.prepare(10, 7, draft);
  EXPECT_EQ(std::vector<int32_t>(ids.begin(), ids.end()), (std::vector<int32_t>{7, 8, 9}));
  std::iota(guesses.hidden(), guesses.hidden() + 3 * kHidden, 0.0F);
  std::iota(guesses.logits(), guesses.logits() + 3 * kLogits, 100.0F);
}

TEST(Guesses, ARowIsThatOfItsTokenAtItsPosition) {
  Guesses guesses(2, kHidden, kLogits, std::make_shared<runtime::MemoryBudget>(0));
  evaluate(guesses);
  EXPECT_FALSE(guesses.find(10, 7)) << "not before the pass is finished";
  guesses.finish();
  for (int row = 0; row < 3; ++row) {
    const auto found = guesses.find(static_cast<uint64_t>(10 + row), 7 + row);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->hidden.size(), kHidden);
    EXPECT_EQ(found->logits.size(), kLogits);
    EXPECT_EQ(found->hidden[0], static_cast<float>(3 * row));
    EXPECT_EQ(found->logits[0], static_cast<float>(100 + 5 * row));
  }
  EXPECT_FALSE(guesses.find(11, 7)) << "another token came";
  EXPECT_FALSE(guesses.find(9, 7));
  EXPECT_FALSE(guesses.find(13, 9));
  EXPECT_FALSE(guesses.find(0, 7));
}

TEST(Guesses, AnotherPassForgetsThem) {
  Guesses guesses(2, kHidden, kLogits, std::make_shared<runtime::MemoryBudget>(0));
  evaluate(guesses);
  guesses.finish();
  guesses.forget();
  EXPECT_FALSE(guesses.find(10, 7));
  evaluate(guesses);
  guesses.finish();
  guesses.prepare(20, 1, {});
  EXPECT_FALSE(guesses.find(10, 7));
  EXPECT_FALSE(guesses.find(20, 1));
  guesses.finish();
  EXPECT_TRUE(guesses.find(20, 1));
  EXPECT_FALSE(Guesses().find(0, 0));
}

TEST(Guesses, TheirMemoryIsCountedAndLimited) {
  const uint64_t bytes = 3 * (kHidden + kLogits) * sizeof(float);
  const auto budget = std::make_shared<runtime::MemoryBudget>(bytes);
  {
    Guesses guesses(2, kHidden, kLogits, budget);
    EXPECT_EQ(budget->now(), bytes);
    EXPECT_THROW(Guesses(0, kHidden, kLogits, budget), base::Error);
    guesses = {};
    EXPECT_EQ(budget->now(), 0u);
  }
  EXPECT_THROW(Guesses(3, kHidden, kLogits, budget), base::Error);
  EXPECT_EQ(budget->now(), 0u);
}

}  // namespace
}  // namespace rustml::generation
