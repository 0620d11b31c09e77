#include "cli/read_loop.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <new>

#include "cli/load.h"
#include "cli/system.h"

namespace rustml::cli {
namespace {

constexpr uint64_t kHuge = uint64_t{2} << 20;
constexpr uint64_t kStep = 256;  // bytes of one stream at once: four 512-bit loads

struct Kernel {
  const char* name;
  int streams, ahead;  // `ahead`: bytes by which lines are asked for; 0: left to the processor
};
constexpr Kernel kKernel[ReadLoop::kKernels] = {
    {"one stream", 1, 0}, {"two streams", 2, 0}, {"four streams", 4, 0}, {"one stream, prefetch", 1, 2048}};

// Inlined into functions for one instruction set each, so that the compiler uses its widest loads.
template <int streams, int ahead>
[[gnu::always_inline]] inline uint64_t read(const std::byte* p, uint64_t bytes) {
  uint64_t sum[kStep / 8] = {};
  const uint64_t part = bytes / streams / kStep * kStep;
  for (uint64_t i = 0; i < part; i += kStep) {
    for (int s = 0; s < streams; ++s) {
      const std::byte* from = p + static_cast<uint64_t>(s) * part + i;
      if (ahead > 0)  // as a number: it may lie behind the array
        for (uint64_t line = 0; line < kStep; line += 64)
          __builtin_prefetch(reinterpret_cast<const void*>(reinterpret_cast<uintptr_t>(from) + ahead + line));
      uint64_t words[kStep / 8];
      std::memcpy(words, from, kStep);
      for (size_t j = 0; j < kStep / 8; ++j) sum[j] ^= words[j];
    }
  }
  uint64_t total = 0;
  for (const uint64_t s : sum) total ^= s;
  return total;
}

[[gnu::always_inline]] inline uint64_t read_with(int kernel, const std::byte* p, uint64_t bytes) {
  switch (kernel) {
    case 0: return read<1, 0>(p, bytes);
    case 1: return read<2, 0>(p, bytes);
    case 2: return read<4, 0>(p, bytes);
    default: return read<1, 2048>(p, bytes);
  }
}

uint64_t read_plain(int kernel, const std::byte* p, uint64_t bytes) { return read_with(kernel, p, bytes); }
#ifdef __x86_64__
[[gnu::target("avx2")]] uint64_t read_avx2(int kernel, const std::byte* p, uint64_t bytes) { return read_with(kernel, p, bytes); }
#ifdef __clang__  // which knows this choice as an option of the compiler only
#define RUSTML_WIDEST "avx512f"
#else
#define RUSTML_WIDEST "avx512f,prefer-vector-width=512"
#endif
[[gnu::target(RUSTML_WIDEST)]] uint64_t read_avx512(int kernel, const std::byte* p, uint64_t bytes) { return read_with(kernel, p, bytes); }
#endif

uint64_t (*best_read())(int, const std::byte*, uint64_t) {
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx512f")) return read_avx512;
  if (__builtin_cpu_supports("avx2")) return read_avx2;
#endif
  return read_plain;
}

void pause() {
#ifdef __x86_64__
  __builtin_ia32_pause();
#endif
}

}  // namespace

ReadLoop::ReadLoop(uint64_t bytes, int threads) : bytes_(std::max<uint64_t>(bytes, 1 << 16)), n_threads_(threads) {
  data_ = static_cast<std::byte*>(::operator new (bytes_, std::align_val_t{kHuge}));
  prefer_huge_pages(data_, bytes_);
  std::memset(data_, 1, bytes_);  // untouched pages would all be the one of zeros
  for (int rank = 1; rank < n_threads_; ++rank) threads_.emplace_back([this, rank] { work(rank); });
}

ReadLoop::~ReadLoop() {
  done_ = true;
  epoch_.fetch_add(1);
  epoch_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  ::operator delete (data_, std::align_val_t{kHuge});
}

void ReadLoop::read_share(int rank) {
  static const auto kRead = best_read();
  const uint64_t lines = bytes_ / kStep, n = static_cast<uint64_t>(n_threads_), r = static_cast<uint64_t>(rank);
  const uint64_t begin = lines * r / n * kStep, end = lines * (r + 1) / n * kStep;
  sink_.fetch_xor(kRead(used_, data_ + begin, end - begin), std::memory_order_relaxed);
}

void ReadLoop::work(int rank) {
  for (uint32_t seen = 0;;) {
    const double since = now_seconds();
    while (epoch_.load(std::memory_order_acquire) == seen) {
      pause();
      if (now_seconds() - since > 1e-3) epoch_.wait(seen, std::memory_order_acquire);
    }
    ++seen;
    if (done_) return;
    read_share(rank);
    arrived_.fetch_add(1, std::memory_order_release);
  }
}

double ReadLoop::pass(int kernel) {
  const double begin = now_seconds();
  used_ = kernel;
  arrived_.store(0, std::memory_order_relaxed);
  epoch_.fetch_add(1, std::memory_order_release);
  epoch_.notify_all();
  read_share(0);
  while (arrived_.load(std::memory_order_acquire) < n_threads_ - 1) pause();
  return now_seconds() - begin;
}

double ReadLoop::pass() { return pass(kernel_); }

void ReadLoop::choose() {
  std::array<double, kKernels> best;
  best.fill(1e9);
  for (int round = 0; round < 7; ++round)
    for (int k = 0; k < kKernels; ++k) best[static_cast<size_t>(k)] = std::min(best[static_cast<size_t>(k)], pass(k));
  kernel_ = static_cast<int>(std::min_element(best.begin(), best.end()) - best.begin());
}

const char* ReadLoop::kernel() const noexcept { return kKernel[kernel_].name; }

}  // namespace rustml::cli
