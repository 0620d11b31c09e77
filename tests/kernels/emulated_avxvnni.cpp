// The headers of target_avxvnni.cpp over an emulated dot product.
// clang-format off
#include "emulated_avx512.h"
#include "emulated.h"
#include "kernels/raw_avxvnni.h"
#include "kernels/target.h"
// clang-format on

namespace rustml::kernels {

constinit const KernelTable kEmulatedAvxVnniTable = avxvnni::make_table("avxvnni (emulated)");

}  // namespace rustml::kernels
