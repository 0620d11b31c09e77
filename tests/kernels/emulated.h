// Kernel tables for instructions that this processor may lack, compiled for AVX2 from the same headers as the real ones:
// emulated_avx512.h and emulated_amx.h stand in for the instructions.
#pragma once
#include "kernels/kernels.h"

namespace rustml::kernels {

namespace emulated_avx512 {
extern const KernelTable kTable, kAmxTable;
}
namespace emulated_avxvnni {
extern const KernelTable kTable;
}

// Of this thread's emulated tile unit: products so far; whether it is in use.
int64_t emulated_tile_products();
bool emulated_tiles_in_use();

}  // namespace rustml::kernels
