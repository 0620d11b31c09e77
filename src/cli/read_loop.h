// The bare read loop: what this machine's memory gives the same number of threads for the same bytes, the limit of decoding.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

namespace rustml::cli {

// Reads every cache line of its own memory once a pass, each thread its share, meeting after the pass. Threads spin between
// passes for a millisecond, then sleep: the first pass after a pause pays for the wake-up.
class ReadLoop {
 public:
  ReadLoop(uint64_t bytes, int threads);  // throws std::bad_alloc
  ~ReadLoop();
  ReadLoop(const ReadLoop&) = delete;
  ReadLoop& operator=(const ReadLoop&) = delete;

  uint64_t bytes() const noexcept { return bytes_; }
  double pass();                        // seconds
  double pass(int kernel);              // with one of kKernels
  void choose();                        // the fastest kernel for pass(), of interleaved passes with each
  const char* kernel() const noexcept;  // its name
  static constexpr int kKernels = 4;

 private:
  void work(int rank);  // of a helping thread, until the end
  void read_share(int rank);

  uint64_t bytes_;
  std::byte* data_ = nullptr;
  int n_threads_, kernel_ = 0, used_ = 0;
  bool done_ = false;
  alignas(128) std::atomic<uint32_t> epoch_{0};
  alignas(128) std::atomic<int> arrived_{0};
  std::atomic<uint64_t> sink_{0};
  std::vector<std::thread> threads_;
};

}  // namespace rustml::cli
