// What each of the two libraries gives this room. Defined by api and by hub.
#pragma once

namespace rustml::boundary {

const char* library_name() noexcept;  // with its version: "librustml 1.0.0"

}  // namespace rustml::boundary
