#include "runtime/rivals.h"

#include <algorithm>
#include <utility>

namespace rustml::runtime {

namespace {

constexpr uint64_t kShift = 700'000, kRest = 700'000;  // ns: a thread that sleeps half of the time is not interrupted
constexpr uint64_t kMost = 320'000'000;                // ns that shifts last after repeated losses
constexpr uint64_t kLongWait = 300'000;                // ns in one step (and a quarter of it) that mean a lost core
constexpr uint64_t kLossesWithin = 30'000'000;         // ns between two long waits that mean a rival and not a hiccup
constexpr uint64_t kForget = 100'000'000;              // ns without a pass, after which what was learnt is out of date

}  // namespace

void Rivals::begin_pass(uint64_t idle_ns) noexcept {
  if (idle_ns > kForget) for_ns_ = kFirst;
  long_waits_ = 0;
}

bool Rivals::admits(uint64_t now, bool working) noexcept {
  if (working && in_shift() && now > shift_end_ns_) rest_until_ns_ = now + kRest;
  return now >= rest_until_ns_;
}

void Rivals::works(uint64_t now) noexcept {
  if (!in_shift()) shift_end_ns_ = now + kShift;
}

// Two steps with long waits: workers come in shifts for a while, four times as long each time; time without waiting takes that back.
void Rivals::judge_step(uint64_t begin, uint64_t now, uint64_t waited_ns, bool crowded) noexcept {
  if (waited_ns > kLongWait && waited_ns > (now - begin) / 4) {
    const uint64_t last = std::exchange(last_loss_ns_, now);
    if (now - last > kLossesWithin) return;  // once is a hiccup of the system, and over
    if (crowded && long_waits_++ == 0) return;
    until_ns_ = now + (crowded ? kFirst : for_ns_);
    if (!crowded) for_ns_ = std::min(4 * for_ns_, kMost);
    last_loss_ns_ = until_ns_;  // a rival that is still there then is known at its first
    shift_end_ns_ = 0, rest_until_ns_ = now;
  } else if (now - last_loss_ns_ > kLossesWithin) {
    for_ns_ = kFirst;
  }
}

}  // namespace rustml::runtime
