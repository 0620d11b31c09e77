// The kernel tables for AVX-512 VNNI, and for AMX where the tiles help. The only file compiled with their instructions
// (CMakeLists.txt).
#include "kernels/raw_avx512.h"
#include "kernels/target.h"
#ifdef __linux__  // whose permission AMX needs
// clang-format off
#include "kernels/raw_amx.h"
#include "kernels/linear_amx.h"
// clang-format on
#endif

namespace rustml::kernels {

extern const KernelTable kAvx512Table;
constinit const KernelTable kAvx512Table = avx512::make_table("avx512");

#ifdef __linux__
extern const KernelTable kAmxTable;
constinit const KernelTable kAmxTable = avx512::make_amx_table();
#endif

}  // namespace rustml::kernels
