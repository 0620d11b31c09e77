// What each of the two libraries gives this room. Defined by api and by hub.
#pragma once
#include <rustml.h>

#include <string_view>

#include "base/error.h"

namespace rustml::boundary {

const char* library_name() noexcept;  // with its version: "librustml 1.0.0"

// A new error object; never fails (out of memory: the static one). Texts are made one line and NUL-terminated.
rustml_error* make_error(base::Status status, std::string_view message, std::string_view detail_json, int32_t callback_value) noexcept;

}  // namespace rustml::boundary
