// Opening a model with everything a command wants around it: log, progress, Ctrl-C, a deadline, its time.
#pragma once
#include "cli/arguments.h"
#include "cli/client.h"
#include "cli/interrupt.h"

namespace rustml::cli {

struct Loaded {
  std::string path;  // of the file or folder opened
  Model model;
  rustml_model_info info;
  double seconds;
};

double now_seconds();

// Its texts are views of `arguments`.
rustml_model_options options_of(const ModelArguments& arguments);

// Throws Failure. `deadline_ns` 0: none.
Loaded load_model(const ModelArguments& arguments, const Interrupt& interrupt, uint64_t deadline_ns, bool warmup = true);
rustml_session_options options_of(const SessionArguments& arguments);
Session create_session(rustml_model* model, const SessionArguments& arguments);

}  // namespace rustml::cli
