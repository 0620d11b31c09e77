// The kernel table for SSE4.1, the baseline. The only file compiled with its instructions (CMakeLists.txt).
#include "kernels/raw_sse41.h"
#include "kernels/target.h"

namespace rustml::kernels {

extern const KernelTable kSse41Table;
constinit const KernelTable kSse41Table = sse41::make_table("sse41");

}  // namespace rustml::kernels
