// Results must not depend on the rounding or denormal mode the host has set: IEEE defaults while we compute.
#pragma once
#include <cfenv>

namespace rustml::runtime {

class DefaultFloatMode {
 public:
  DefaultFloatMode() noexcept {
    std::fegetenv(&before_);
#if defined(__x86_64__)
    if (__builtin_ia32_stmxcsr() != kDefault) __builtin_ia32_ldmxcsr(kDefault);
#else
    std::fesetenv(FE_DFL_ENV);
#endif
  }
  ~DefaultFloatMode() { std::fesetenv(&before_); }
  DefaultFloatMode(const DefaultFloatMode&) = delete;
  DefaultFloatMode& operator=(const DefaultFloatMode&) = delete;

 private:
  static constexpr unsigned kDefault = 0x1F80;  // MXCSR: all exceptions masked, round to nearest, denormals kept
  std::fenv_t before_;
};

}  // namespace rustml::runtime
