// The commands: each declares its options and returns the function that runs it, which keeps the options alive.
#pragma once
#include <functional>

#include "cli/options.h"

namespace rustml::cli {

using Command = std::function<int()>;  // returns an ExitCode; throws Failure and OutputClosed

Command make_run(Options& options);
Command make_chat(Options& options);
Command make_info(Options& options);
Command make_tokenize(Options& options);
Command make_bench(Options& options);
Command make_profile(Options& options);
Command make_quantize(Options& options);
Command make_pull(Options& options);
Command make_ls(Options& options);
Command make_rm(Options& options);
Command make_verify(Options& options);

}  // namespace rustml::cli
