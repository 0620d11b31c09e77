#include "tokenizer/flat_map.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>

#include "../base/expect_error.h"

namespace {

using rustml::base::Status;
using rustml::tokenizer::FlatMap;

RC_GTEST_PROP(FlatMap, HoldsWhatAMapHolds, (const std::map<uint64_t, uint32_t>& pairs, const std::vector<uint64_t>& others)) {
  FlatMap<uint32_t> flat(pairs.size());
  for (const auto& [key, value] : pairs) flat[key] = value;
  for (const auto& [key, value] : pairs) {
    const uint32_t* found = flat.find(key);
    RC_ASSERT(found != nullptr);
    RC_ASSERT(*found == value);
  }
  for (const uint64_t key : others) RC_ASSERT((flat.find(key) != nullptr) == (pairs.count(key) > 0));
}

TEST(FlatMap, EmptyFindsNothing) {
  const FlatMap<int> map;
  EXPECT_EQ(map.find(0), nullptr);
  EXPECT_EQ(map.find(12345), nullptr);
}

TEST(FlatMap, RefusesKeysBuiltToCollide) {
  // The inverse of the hash's odd factor gives keys whose products are small, so that all begin at slot 0.
  uint64_t inverse = 1;
  for (int i = 0; i < 6; ++i) inverse *= 2 - 0x9E3779B97F4A7C15u * inverse;
  FlatMap<int> map(2000);
  const auto fill = [&] {
    for (uint64_t i = 1; i <= 2000; ++i) {
      const uint64_t mixed = i * inverse;  // hashes to i
      map[mixed ^ mixed >> 32] = 1;        // undoes the mixing of the halves
    }
  };
  EXPECT_ERROR(fill(), Status::data_loss, "built to collide");
}

}  // namespace
