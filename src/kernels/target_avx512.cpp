// The kernel table for AVX-512 VNNI. The only file compiled with its instructions (CMakeLists.txt).
#include "kernels/raw_avx512.h"
#include "kernels/target.h"

namespace rustml::kernels {

extern const KernelTable kAvx512Table;
constinit const KernelTable kAvx512Table = avx512::make_table("avx512");

}  // namespace rustml::kernels
