// Faults of a template, with their line.
#pragma once
#include <string>

#include "base/error.h"

namespace rustml::chat {

[[noreturn]] inline void template_error(base::Status status, int line, const std::string& problem) {
  base::fail(status, "chat template, line " + std::to_string(line) + ": " + problem);
}

}  // namespace rustml::chat
