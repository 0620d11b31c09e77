// The commands: each declares its options, which stay alive with the returned function, and gives what runs it.
#pragma once
#include <functional>

#include "cli/options.h"

namespace rustml::cli {

using Command = std::function<int()>;  // answers an ExitCode; throws Failure and OutputClosed

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
