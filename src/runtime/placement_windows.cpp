#include "runtime/placement.h"

namespace rustml::runtime {

void Placement::avoid_mine(const Thread&) noexcept {}
void Placement::restore(const Thread&) noexcept {}

}  // namespace rustml::runtime
