// The ways to make q8_0 blocks (rules: quantize.cpp); all give the same bytes, and tensor::quantize takes the fastest.
#pragma once
#include <cstddef>
#include <cstdint>

namespace rustml::tensor {

void quantize_q8_0_scalar(const float* src, int64_t n, std::byte* dst) noexcept;
#if defined(__x86_64__)
bool has_avx2() noexcept;                                                       // and F16C
void quantize_q8_0_avx2(const float* src, int64_t n, std::byte* dst) noexcept;  // only where has_avx2
#endif

}  // namespace rustml::tensor
