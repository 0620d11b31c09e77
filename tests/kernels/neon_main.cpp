// The comparison without GoogleTest, for targets that run under an emulator: prints a line per failure, exits 1 if any.
#include <cstdio>

#include "comparison.h"
#include "kernels/select.h"

int main() {
  using namespace rustml::kernels;
  int failed = 0;
  for (const KernelTable* table : available()) {
    if (table->target == "scalar" || !ready(*table)) continue;
    const Comparison c = compare_with_scalar(*table, table->target == "sse41" ? 1e-5f : 0.0f, false);
    for (const std::string& failure : c.failures) std::printf("%s\n", failure.c_str());
    std::printf("%.*s: %lld checks, %zu failures\n", static_cast<int>(table->target.size()), table->target.data(),
                static_cast<long long>(c.checks), c.failures.size());
    failed += !c.failures.empty();
  }
  return failed ? 1 : 0;
}
