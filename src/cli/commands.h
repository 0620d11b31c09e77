// The commands: each declares its options on `app` (kept alive by the returned function) and gives what runs it.
#pragma once
#include <CLI/CLI.hpp>
#include <functional>

namespace rustml::cli {

using Command = std::function<int()>;  // answers an ExitCode; throws Failure and OutputClosed

Command make_run(CLI::App& app);
Command make_chat(CLI::App& app);
Command make_info(CLI::App& app);
Command make_tokenize(CLI::App& app);
Command make_bench(CLI::App& app);

}  // namespace rustml::cli
