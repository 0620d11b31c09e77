// Constants of the transcendental kernels, shared by exp-inl.h (vectors) and scalar.cpp (the reference).
//
// exp(x) = 2^n * exp(r), n = round(x / ln 2), r = x - n ln 2 in two steps (kLn2High has 15 bits, so n * kLn2High is exact),
// exp(r) = 1 + r + r^2 (c2 + c3 r + .. + c6 r^4), a minimax fit of the relative error on |r| <= ln(2)/2: 3e-9 before rounding
// (fitted with iteratively reweighted least squares over 4001 Chebyshev points). 2^n is applied in two factors, so that
// results below 2^-126 are rounded once and results above the largest float become infinite.
#pragma once

namespace rustml::kernels {

constexpr float kExpHighest = 89.0f;   // exp is infinite from 88.7228
constexpr float kExpLowest = -104.0f;  // exp rounds to 0 from -103.98
constexpr float kLog2E = 1.44269504f;
constexpr float kLn2High = 0x1.62e4p-1f;
constexpr float kLn2Low = 0x1.7f7d1cp-20f;
constexpr float kExpC2 = 0x1.fffffcp-2f, kExpC3 = 0x1.555492p-3f, kExpC4 = 0x1.5558f2p-5f, kExpC5 = 0x1.1239e2p-7f,
                kExpC6 = 0x1.6a2434p-10f;
constexpr float kRoundMagic = 12582912.0f;  // 1.5 * 2^23: adding and subtracting it rounds |x| < 2^22 to the nearest integer

// gelu(x) = 0.5 x (1 + tanh(u)) = x / (1 + exp(-2u)), u = sqrt(2/pi) (x + 0.044715 x^3): without cancellation for x << 0.
// -2u = x * fma(x * x, kGeluCubic, kGeluLinear).
constexpr float kGeluLinear = -1.5957691216057308f;  // -2 sqrt(2/pi)
constexpr float kGeluCubic = -1.5957691216057308f * 0.044715f;

constexpr float kQuantizeTiny = 1e-30f;  // a block whose largest magnitude is below counts as zero

// Steps of a block-wise sum_exp: floats inside, double between.
constexpr long kSumExpChunk = 4096;

}  // namespace rustml::kernels
