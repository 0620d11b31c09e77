// What to do beside another busy program on a worker's core.
//
// When the leader has to wait long for members, whose core then has gone to another process, these come in shifts for a while: somewhat
// less than a millisecond of work, as much sleep. A thread that leaves its core half of the time has it when it wakes, and is not
// interrupted at its work, for which all others would wait. Now and then it is tried without, ever more rarely while that goes wrong.
//
// Times are now_ns(). All calls are the leader's, who has the team's turn.
#pragma once
#include <cstdint>

namespace rustml::runtime {

class Rivals {
 public:
  // A pass begins, `idle_ns` after the end of the last one.
  void begin_pass(uint64_t idle_ns) noexcept;
  // Workers come in shifts now.
  bool beside(uint64_t now) const noexcept { return now < until_ns_; }
  // Beside a rival: whether workers may take part in the step that begins. working: some did up to now.
  bool admits(uint64_t now, bool working) noexcept;
  // Beside a rival: some take part in the step that begins.
  void works(uint64_t now) noexcept;
  // After a step without shifts, in which the leader waited `waited_ns` for members. crowded: another caller has come, who may have
  // taken the core for a moment.
  void judge_step(uint64_t begin, uint64_t now, uint64_t waited_ns, bool crowded) noexcept;

 private:
  bool in_shift() const noexcept { return shift_end_ns_ > rest_until_ns_; }

  static constexpr uint64_t kFirst = 10'000'000;  // how long shifts last after the first loss
  uint64_t until_ns_ = 0, for_ns_ = kFirst;
  uint64_t shift_end_ns_ = 0, rest_until_ns_ = 0;  // the later one tells what is on
  uint64_t last_loss_ns_ = 0;                      // when the leader last waited long
  int long_waits_ = 0;                             // in this pass, while others wanted their turn
};

}  // namespace rustml::runtime
