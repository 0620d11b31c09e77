// The kernel table for AVX-VNNI. The only file compiled with its instructions (CMakeLists.txt).
#include "kernels/raw_avxvnni.h"
#include "kernels/target.h"

namespace rustml::kernels {

extern const KernelTable kAvxVnniTable;
constinit const KernelTable kAvxVnniTable = avxvnni::make_table("avxvnni");

}  // namespace rustml::kernels
