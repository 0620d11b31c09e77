// The comparison without GoogleTest, for targets that run under an emulator: prints a line per failure, exits 1 if any.
// compare [TARGET...]: without names every target this processor can run; one that is named and cannot run is a failure.
#include <cstdio>

#include "comparison.h"
#include "kernels/select.h"

int main(int count, char** names) {
  using namespace rustml::kernels;
  std::vector<std::string> wanted(names + 1, names + count);
  if (wanted.empty()) {
    for (const KernelTable* table : available())
      if (ready(*table)) wanted.emplace_back(table->target);
  }
  int failed = 0;
  for (const std::string& name : wanted) {
    if (name == "scalar") continue;
    const KernelTable* table = find(name);
    if (table == nullptr || !ready(*table)) {
      std::printf("%s: this processor cannot run it\n", name.c_str());
      ++failed;
      continue;
    }
    const Comparison c = compare_with_scalar(*table, name == "sse41" ? 1e-5f : 0.0f, false);
    for (const std::string& failure : c.failures) std::printf("%s\n", failure.c_str());
    std::printf("%s: %lld checks, %zu failures\n", name.c_str(), static_cast<long long>(c.checks), c.failures.size());
    std::fflush(stdout);
    failed += !c.failures.empty();
  }
  return failed ? 1 : 0;
}
