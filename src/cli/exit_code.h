// What the program's exit says; the texts of --help name the same numbers.
#pragma once
#include <cstdint>

namespace rustml::cli {

enum ExitCode : int {
  kExitAnswer = 0,
  kExitError = 1,        // anything not named below: memory, a prompt longer than the context, a failed write
  kExitUsage = 2,        // a bad option or argument
  kExitNotFound = 3,     // no such file
  kExitUnsupported = 4,  // the model is damaged or of a kind that is not supported
  kExitNetwork = 5,
  kExitTimeout = 124,    // --timeout passed
  kExitInterrupt = 130,  // Ctrl-C
};

// For a RUSTML_* status.
int exit_code(int32_t status) noexcept;

constexpr const char* kExitCodesHelp =
    "Exit codes: 0 answer, 1 error, 2 usage, 3 file not found, 4 model unsupported or damaged, 5 network, 124 timeout,\n"
    "130 Ctrl-C (the first stops the answer, a second one ends the program at once).";

}  // namespace rustml::cli
