// The bare loops that decoding is compared with: every cache line of a buffer once, in loads of 256 or 512 bits, prefetched or
// not, as one to four streams (decoding reads four: with fewer it can be faster than the "limit").
#pragma once
#include <cstddef>
#include <cstdint>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace rustml::bench {

// Bytes [p, p + bytes), 64-byte aligned, bytes a multiple of 1024; returns something that depends on them all.
using Read = uint64_t (*)(const std::byte* p, int64_t bytes);

struct ReadKernel {
  const char* name;
  Read read;
  bool usable;
};

constexpr int64_t kReadAhead = 4096;

#if defined(__x86_64__)
// Blocks of 256 bytes; `streams` parts of the buffer in turn.
template <int streams, bool prefetch>
__attribute__((target("avx512f"), noinline)) uint64_t read_512(const std::byte* p, int64_t bytes) {
  __m512i sum[4] = {};
  const int64_t part = bytes / streams;
  for (int64_t i = 0; i < part; i += 256) {
    for (int s = 0; s < streams; ++s) {
      const std::byte* block = p + s * part + i;
      for (int j = 0; j < 4; ++j) {
        if (prefetch) __builtin_prefetch(block + 64 * j + kReadAhead);
        sum[j] = _mm512_xor_si512(sum[j], _mm512_load_si512(block + 64 * j));
      }
    }
  }
  uint64_t words[8];
  _mm512_storeu_si512(words, _mm512_xor_si512(_mm512_xor_si512(sum[0], sum[1]), _mm512_xor_si512(sum[2], sum[3])));
  for (int j = 1; j < 8; ++j) words[0] ^= words[j];
  return words[0];
}

template <int streams, bool prefetch>
__attribute__((target("avx2"), noinline)) uint64_t read_256(const std::byte* p, int64_t bytes) {
  __m256i sum[8] = {};
  const int64_t part = bytes / streams;
  for (int64_t i = 0; i < part; i += 256) {
    for (int s = 0; s < streams; ++s) {
      const std::byte* block = p + s * part + i;
      for (int j = 0; j < 8; ++j) {
        if (prefetch && j % 2 == 0) __builtin_prefetch(block + 32 * j + kReadAhead);
        sum[j] = _mm256_xor_si256(sum[j], _mm256_load_si256(reinterpret_cast<const __m256i*>(block + 32 * j)));
      }
    }
  }
  for (int j = 1; j < 8; ++j) sum[0] = _mm256_xor_si256(sum[0], sum[j]);
  return static_cast<uint64_t>(_mm256_extract_epi64(sum[0], 0) ^ _mm256_extract_epi64(sum[0], 1) ^ _mm256_extract_epi64(sum[0], 2) ^
                               _mm256_extract_epi64(sum[0], 3));
}
#endif

inline uint64_t read_words(const std::byte* p, int64_t bytes) {
  uint64_t sum[32] = {}, total = 0;
  for (const auto *word = reinterpret_cast<const uint64_t*>(p), *end = word + bytes / 8; word < end; word += 32) {
    for (int j = 0; j < 32; ++j) sum[j] ^= word[j];
  }
  for (const uint64_t s : sum) total ^= s;
  return total;
}

#if defined(__x86_64__)
inline const ReadKernel kReadKernels[] = {{"256", read_256<1, false>, __builtin_cpu_supports("avx2") != 0},
                                          {"256 two streams, prefetch", read_256<2, true>, __builtin_cpu_supports("avx2") != 0},
                                          {"512", read_512<1, false>, __builtin_cpu_supports("avx512f") != 0},
                                          {"512 prefetch", read_512<1, true>, __builtin_cpu_supports("avx512f") != 0},
                                          {"512 two streams", read_512<2, false>, __builtin_cpu_supports("avx512f") != 0},
                                          {"512 two streams, prefetch", read_512<2, true>, __builtin_cpu_supports("avx512f") != 0},
                                          {"512 four streams", read_512<4, false>, __builtin_cpu_supports("avx512f") != 0},
                                          {"512 four streams, prefetch", read_512<4, true>, __builtin_cpu_supports("avx512f") != 0},
                                          {"256 four streams, prefetch", read_256<4, true>, __builtin_cpu_supports("avx2") != 0},
                                          {"words", read_words, true}};
#else
inline const ReadKernel kReadKernels[] = {{"words", read_words, true}};
#endif

}  // namespace rustml::bench
