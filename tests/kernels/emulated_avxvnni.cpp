// The headers of AVX-VNNI's target over an emulated dot product.
#include "emulated_avx512.h"

#define RUSTML_TARGET emulated_avxvnni
#define RUSTML_XSIMD_ARCH xsimd::fma3<xsimd::avx2>
#define RUSTML_RAW_HEADER "kernels/raw_avxvnni-inl.h"
#include "kernels/attention-inl.h"
#include "kernels/float_ops-inl.h"
#include "kernels/linear-inl.h"
#include "kernels/linear_few-inl.h"
