#include "runtime/placement.h"

namespace rustml::runtime {

void Placement::avoid_mine(std::thread&) noexcept {}
void Placement::restore(std::thread&) noexcept {}

}  // namespace rustml::runtime
