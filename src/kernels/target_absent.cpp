// Sanitizer builds only (CMakeLists.txt): stands for tables that were left out because this machine cannot run them, so that
// select.cpp, which never picks them here, finds their names.
#include "kernels/kernels.h"

namespace rustml::kernels {

#ifdef RUSTML_ABSENT_avx512
namespace avx512 {
extern const KernelTable kTable, kAmxTable;
constinit const KernelTable kTable{}, kAmxTable{};
}  // namespace avx512
#endif
#ifdef RUSTML_ABSENT_avxvnni
namespace avxvnni {
extern const KernelTable kTable;
constinit const KernelTable kTable{};
}  // namespace avxvnni
#endif

}  // namespace rustml::kernels
