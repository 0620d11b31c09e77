// Processor time of this program. Limits on it are against work that grows with the square of a text, which would take minutes to
// hours: that others use the machine, or that it stands still for a while, must not reach them.
#pragma once
#include <ctime>

namespace fixtures {

// Sanitizers make everything about ten times slower.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

inline double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }
constexpr double kFarTooSlow = kSanitized ? 240 : 60;

}  // namespace fixtures
