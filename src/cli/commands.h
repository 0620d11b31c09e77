// The commands: each declares its options and returns the function that runs it, which keeps the options alive.
#pragma once
#include <functional>

#include "cli/options.h"

namespace rustml::cli {

using Command = std::function<int()>;  // returns an ExitCode; throws Failure and OutputClosed

// What a line typed at the prompt of `chat` may be besides a message.
constexpr const char* kChatCommands =
    "/help   prints these commands\n"
    "/undo   takes back the last turn: the message and its answer\n"
    "/reset  forgets all turns; the system message stays\n"
    "/exit   ends the program, as Ctrl-D does\n"
    "//TEXT  sends /TEXT to the model: a line that begins with a slash\n";

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
