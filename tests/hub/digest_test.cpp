// Known hashes: FIPS 180 examples; git hash-object of the same bytes.
#include "hub/digest.h"

#include <gtest/gtest.h>

namespace rustml::hub {
namespace {

bool matches(const std::string& name, const std::string& text) {
  Digest digest(name, text.size());
  for (const char c : text) digest.add(&c, 1);
  return digest.matches();
}

TEST(Digest, Sha256OfTheBytes) {
  EXPECT_TRUE(matches("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "abc"));
  EXPECT_TRUE(matches("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", ""));
  EXPECT_FALSE(matches("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "abd"));
}

TEST(Digest, Sha1OfGitsBlob) {
  EXPECT_TRUE(matches("e69de29bb2d1d6434b8b29ae775ad8c2e48c5391", ""));
  EXPECT_TRUE(matches("ce013625030ba8dba906f756967f9e9ca394464a", "hello\n"));
  EXPECT_FALSE(matches("a9993e364706816aba3e25717850c26c9cd0d89d", "abc")) << "the plain SHA-1";
}

}  // namespace
}  // namespace rustml::hub
