// The kernel table for NEON (aarch64). The only file compiled with its instructions (CMakeLists.txt).
#include "kernels/raw_neon.h"
#include "kernels/target.h"

namespace rustml::kernels {

extern const KernelTable kNeonTable;
constinit const KernelTable kNeonTable = neon::make_table("neon");

}  // namespace rustml::kernels
