// q8_0 blocks with AVX2 and F16C.
#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

#include <cstring>

#include "tensor/block.h"
#include "tensor/q8_0.h"

namespace rustml::tensor {

bool has_avx2() noexcept {
  static const bool has = [] {
    unsigned a, b, c = 0, d;  // clang's __builtin_cpu_supports does not know F16C
    return __builtin_cpu_supports("avx2") && __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_F16C) != 0;
  }();
  return has;
}

// One block: its 32 values in four vectors.
__attribute__((target("avx2,f16c"))) static void encode(const float* x, BlockQ8_0& block) noexcept {
  const __m256i infinity = _mm256_set1_epi32(0x7f800000), order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  const __m256 sign = _mm256_set1_ps(-0.0f);
  __m256 v[4];
  __m256i most = _mm256_setzero_si256();  // of the magnitudes, whose order is that of their bits
  for (int i = 0; i < 4; ++i) {
    v[i] = _mm256_loadu_ps(x + 8 * i);
    most = _mm256_max_epi32(most, _mm256_castps_si256(_mm256_andnot_ps(sign, v[i])));
  }
  most = _mm256_max_epi32(most, _mm256_permute2x128_si256(most, most, 1));
  most = _mm256_max_epi32(most, _mm256_shuffle_epi32(most, 0x4e));
  most = _mm256_max_epi32(most, _mm256_shuffle_epi32(most, 0xb1));
  if (_mm256_movemask_epi8(_mm256_cmpgt_epi32(infinity, most)) == 0) {  // a NaN or an infinity
    block = {0x7e00, {}};
    return;
  }
  const __m128 d = _mm_div_ss(_mm_castsi128_ps(_mm256_castsi256_si128(most)), _mm_set_ss(127.0f));
  block.d = static_cast<uint16_t>(_mm_cvtsi128_si32(_mm_cvtps_ph(d, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)));
  float inverse = _mm_cvtss_f32(_mm_div_ss(_mm_set_ss(1.0f), d));
  if (!(inverse <= 3.40282347e38f)) inverse = 0;  // d is 0 as a half
  __m256i q[4];
  for (int i = 0; i < 4; ++i) {
    const __m256 scaled = _mm256_mul_ps(v[i], _mm256_set1_ps(inverse));
    const __m256 half = _mm256_or_ps(_mm256_and_ps(scaled, sign), _mm256_set1_ps(0x1.fffffep-2f));
    q[i] = _mm256_cvttps_epi32(_mm256_add_ps(scaled, half));
  }
  const __m256i bytes = _mm256_packs_epi16(_mm256_packs_epi32(q[0], q[1]), _mm256_packs_epi32(q[2], q[3]));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(block.qs), _mm256_permutevar8x32_epi32(bytes, order));
}

__attribute__((target("avx2,f16c"))) void quantize_q8_0_avx2(const float* src, int64_t n, std::byte* dst) noexcept {
  for (int64_t i = 0; i < n; i += BlockQ8_0::kElements, src += BlockQ8_0::kElements, dst += sizeof(BlockQ8_0)) {
    BlockQ8_0 block;
    encode(src, block);
    std::memcpy(dst, &block, sizeof block);
  }
}

}  // namespace rustml::tensor
#endif
