// The kernel table for NEON with dot products. The only file compiled with its instructions (CMakeLists.txt).
#include "kernels/raw_neondot.h"
#include "kernels/target.h"

namespace rustml::kernels {

extern const KernelTable kNeonDotTable;
constinit const KernelTable kNeonDotTable = neondot::make_table("neondot");

}  // namespace rustml::kernels
