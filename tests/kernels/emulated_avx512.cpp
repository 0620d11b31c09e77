// The headers of AVX-512's target over emulated instructions.
#include "emulated_avx512.h"

// xsimd's class for AVX-512, which it has for a compiler that says so.
#define __AVX512F__ 1
#define __AVX512CD__ 1
#define __AVX512DQ__ 1
#define __AVX512BW__ 1
#define __AVX512VL__ 1

#define RUSTML_TARGET emulated_avx512
#define RUSTML_XSIMD_ARCH xsimd::avx512bw
#define RUSTML_RAW_HEADER "kernels/raw_avx512-inl.h"
#define RUSTML_RAW_TILES_HEADER "../tests/kernels/emulated_amx.h"
#include "emulated.h"
#include "kernels/attention-inl.h"
#include "kernels/float_ops-inl.h"
#include "kernels/linear-inl.h"
#include "kernels/linear_amx-inl.h"
#include "kernels/linear_few-inl.h"

namespace rustml::kernels {

int64_t emulated_tile_products() { return emulated_avx512::tile_unit.products; }
bool emulated_tiles_in_use() { return emulated_avx512::tile_unit.configured; }

}  // namespace rustml::kernels
