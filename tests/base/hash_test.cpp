#include "base/hash.h"

#define XXH_INLINE_ALL
#include <gtest/gtest.h>
#include <xxhash.h>

#include <string>

namespace rustml::base {
namespace {

TEST(Hash, PublishedValues) {  // of the empty input, from the xxHash project's own tests
  EXPECT_EQ(hash64("", 0), 0x2D06800538D394C2u);
  EXPECT_EQ(Hasher().finish128(), (Hash128{0x6001C324468D497Fu, 0x99AA06D3014798D8u}));
}

TEST(Hash, StreamingEqualsOneShot) {
  std::string data;
  for (size_t n : {0, 1, 3, 16, 17, 128, 129, 240, 241, 1000, 100000}) {
    while (data.size() < n) data += static_cast<char>(data.size() * 131 + 7);
    for (size_t step : {size_t{1}, size_t{63}, size_t{4096}}) {
      Hasher hasher;
      for (size_t i = 0; i < n; i += step) hasher.add(data.data() + i, std::min(step, n - i));
      EXPECT_EQ(hasher.finish64(), XXH3_64bits(data.data(), n));
      const XXH128_hash_t whole = XXH3_128bits(data.data(), n);
      EXPECT_EQ(hasher.finish128(), (Hash128{whole.low64, whole.high64}));
      EXPECT_EQ(hasher.finish64(), hash64(data.data(), n)) << "finish may be asked again";
    }
  }
}

TEST(Hash, TextsDoNotRunTogether) {
  const auto of = [](std::string_view a, std::string_view b) {
    Hasher hasher;
    hasher.add(a);
    hasher.add(b);
    return hasher.finish128();
  };
  EXPECT_EQ(of("ab", "c"), of("ab", "c"));
  EXPECT_FALSE(of("ab", "c") == of("a", "bc"));
  EXPECT_FALSE(of("", "abc") == of("abc", ""));
}

TEST(Hash, NumbersAreLittleEndian) {
  Hasher numbers, bytes;
  numbers.add(uint64_t{0x0807060504030201});
  bytes.add("\1\2\3\4\5\6\7\10", 8);
  EXPECT_EQ(numbers.finish64(), bytes.finish64());
}

}  // namespace
}  // namespace rustml::base
