// How much of what is too much to test each time. RUSTML_EXHAUSTIVE=1 (scripts/test --all): tests that have a sample and an exhaustive form
// take the latter. RUSTML_TIMES=N (scripts/sweep): tests of random inputs try N times as many.
#pragma once

#include <cstdint>
#include <cstdlib>

namespace rustml::test {

inline uint64_t number_in(const char* variable, uint64_t otherwise) {
  const char* given = std::getenv(variable);
  return given != nullptr && *given != '\0' ? std::strtoull(given, nullptr, 10) : otherwise;
}
inline bool exhaustive() { return number_in("RUSTML_EXHAUSTIVE", 0) != 0; }
inline uint64_t times(uint64_t n) { return n * number_in("RUSTML_TIMES", 1); }

}  // namespace rustml::test
