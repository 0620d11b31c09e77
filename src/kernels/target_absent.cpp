// Sanitizer builds only (CMakeLists.txt): stands for tables that were left out because this machine cannot run them, so that
// select.cpp, which never picks them here, finds their names.
#include "kernels/kernels.h"

namespace rustml::kernels {

#ifdef RUSTML_ABSENT_avx512
extern const KernelTable kAvx512Table, kAmxTable;
constinit const KernelTable kAvx512Table{}, kAmxTable{};
#endif
#ifdef RUSTML_ABSENT_avxvnni
extern const KernelTable kAvxVnniTable;
constinit const KernelTable kAvxVnniTable{};
#endif

}  // namespace rustml::kernels
