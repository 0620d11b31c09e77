// Limits in time on machines that stand still now and then.
#pragma once
#include <cstdio>
#include <string>

namespace rustml::test {

// Whether a limit is kept in one of three tries. `measure` says what was exceeded, nothing if the limit was kept. What a try finds
// that is not a matter of time it reports itself, at once: that is not tried again. count_results.py shows lines with RETRIED.
template <class Measure>
bool kept_in_one_of_three(const char* what, Measure&& measure) {
  for (int i = 1; i <= 3; ++i) {
    const std::string exceeded = measure();
    if (exceeded.empty()) return true;
    std::printf("RETRIED %s after try %d of 3: %s\n", what, i, exceeded.c_str());
  }
  return false;
}

}  // namespace rustml::test
