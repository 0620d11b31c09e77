// The headers of target_avx512.cpp over emulated instructions.
#include "emulated_avx512.h"

// xsimd's class for AVX-512, which it has for a compiler that says so.
#define __AVX512F__ 1
#define __AVX512CD__ 1
#define __AVX512DQ__ 1
#define __AVX512BW__ 1
#define __AVX512VL__ 1
// clang-format off
#include "emulated.h"
#include "kernels/raw_avx512.h"
#include "kernels/target.h"
#include "emulated_amx.h"
#include "kernels/linear_amx.h"
// clang-format on

namespace rustml::kernels {

constinit const KernelTable kEmulatedAvx512Table = avx512::make_table("avx512 (emulated)");
constinit const KernelTable kEmulatedAmxTable = [] {
  KernelTable t = avx512::make_amx_table();
  t.target = "amx (emulated)";
  return t;
}();

int64_t emulated_tile_products() { return avx512::tile_unit.products; }
bool emulated_tiles_in_use() { return avx512::tile_unit.configured; }

}  // namespace rustml::kernels
