// Without GoogleTest, for other processors and systems.
#include <cinttypes>
#include <cstdio>

#include "math_bits.h"

int main() {
  const uint64_t bits = rustml::base::math_bits();
  std::printf("base/math.h: %016" PRIx64 ", expected %016" PRIx64 "\n", bits, rustml::base::kMathBits);
  return bits == rustml::base::kMathBits ? 0 : 1;
}
