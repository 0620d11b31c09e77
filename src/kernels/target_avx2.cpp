// The kernel table for AVX2. The only file compiled with its instructions (CMakeLists.txt).
#include "kernels/raw_avx2.h"
#include "kernels/target.h"

namespace rustml::kernels {

extern const KernelTable kAvx2Table;
constinit const KernelTable kAvx2Table = avx2::make_table("avx2");

}  // namespace rustml::kernels
