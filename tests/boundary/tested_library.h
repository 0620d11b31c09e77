// What a library gives the room, for its tests: errors that can be looked at, a clock that can be set.
#pragma once
#include <cstdint>
#include <string>

#include "base/error.h"

namespace rustml::boundary {

struct MadeError {
  base::Status status;
  std::string message, detail_json;
  int32_t callback_value;
};
extern MadeError last_error;
extern uint64_t now_ns;

}  // namespace rustml::boundary
