// run --prompts-file: one prompt a line, one NDJSON line for each answer, in the order of the prompts.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "cli/arguments.h"
#include "cli/client.h"

namespace rustml::cli {

// The file's lines without their ends (also \r\n); "-" is standard input. Throws Failure.
std::vector<std::string> read_prompts(const std::string& path);

// The prompt of a line; `text` backs it and lives as long as it is used.
using MakePrompt = std::function<rustml_prompt(const std::string& line, std::string& text)>;

// Answers them all and prints each as soon as those before it are there. A prompt that fails has a line that says why. Returns
// the status of the first that was not answered, RUSTML_OK if all were. Throws Failure and OutputClosed.
int32_t answer_prompts(rustml_model* model, const SessionArguments& session, const std::vector<std::string>& lines,
                       const MakePrompt& prompt, const rustml_generation_options& options, bool quiet);

}  // namespace rustml::cli
