// rustml-infer: the first argument names the command; without one it is `run`.
#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/completion.h"
#include "cli/events.h"
#include "cli/exit_code.h"
#include "cli/manual.h"
#include "cli/system.h"
#include "cli/terminal.h"

namespace {

using namespace rustml::cli;

struct Entry {
  const char* name;
  const char* summary;
  Command (*make)(Options&);
};

Command make_completion(Options& options);
Command make_manual(Options& options);

constexpr Entry kCommands[] = {
    {"run", "Runs a language model on this machine's processor: one prompt, one answer on stdout.", make_run},
    {"chat", "A conversation: on a terminal with a prompt, otherwise every line of standard input is a turn.", make_chat},
    {"info", "What is in a model file, and the memory it takes.", make_info},
    {"tokenize", "The token ids of a text, each with its piece.", make_tokenize},
    {"bench", "Measures load, prefill and decode; prints medians.", make_bench},
    {"profile", "Where the time of a prompt and of each token goes, beside a bare read loop.", make_profile},
    {"quantize", "Writes a model as one GGUF file with its matrices in another type.", make_quantize},
    {"pull", "Fetches a model from the Hugging Face hub into the cache; prints its path.", make_pull},
    {"ls", "The models in the cache of the hub.", make_ls},
    {"rm", "Removes a model from the cache of the hub.", make_rm},
    {"verify", "Compares a model's cached files with the SHA in their names.", make_verify},
    {"completion", "Prints the script that completes the program's options in a shell.", make_completion},
    {"manual", "Prints the manual page; read it with: rustml-infer manual | man -l -", make_manual},
};

std::string version_text() { return std::string("rustml-infer ") + rustml_version(); }

// Every command with its options, as it declares them itself.
std::vector<CommandText> describe_commands() {
  std::vector<CommandText> all;
  for (const Entry& entry : kCommands) {
    Options options(entry.name, entry.summary, version_text());
    (void)entry.make(options);
    all.push_back({entry.name, entry.summary, options.describe()});
  }
  return all;
}

Command make_completion(Options& options) {
  const auto shell = std::make_shared<std::string>();
  const std::vector<std::string> shells = completion_shells();
  options.choice("shell", "bash, zsh or fish", "SHELL", shells, "in bash: source <(rustml-infer completion bash)",
                 [=](size_t i) { *shell = shells[i]; });
  return [shell]() -> int {
    if (shell->empty()) throw Failure(RUSTML_INVALID_ARGUMENT, "completion: no shell is named; give bash, zsh or fish");
    write_answer(completion_script(*shell, describe_commands()));
    return kExitAnswer;
  };
}

Command make_manual(Options&) {
  return []() -> int {
    write_answer(manual_page(rustml_version(), kExitCodesHelp, describe_commands()));
    return kExitAnswer;
  };
}

constexpr const char* kRunFooter =
    "Other commands: rustml-infer chat | info | tokenize | bench | profile, each with --gguf FILE and its own --help.\n"
    "Another file: rustml-infer quantize IN OUT --type Q8_0.\n"
    "Models of the Hugging Face hub: rustml-infer pull ORG/NAME | ls | rm ORG/NAME | verify ORG/NAME.\n"
    "Documentation: rustml-infer manual; completion in a shell: rustml-infer completion bash | zsh | fish.\n\n"
    "Statistics, warnings and log lines go to stderr, the answer alone to stdout. With --json stdout carries one JSON\n"
    "object a line; the schema is installed as share/rustml/events.schema.json.\n";

constexpr const char* kChatFooter =
    "\nA conversation may be longer than the context: before an answer for which there is no room the oldest turns are dropped, and a\n"
    "line on stderr says so. The system message stays.\n\n";

std::string footer_of(const Entry& entry) {
  if (entry.make == make_run) return kRunFooter;
  return entry.make == make_chat ? "Typed at the prompt of a terminal:\n" + std::string(kChatCommands) + kChatFooter : "";
}

bool asks_json(const std::vector<const char*>& arguments) {
  return std::any_of(arguments.begin(), arguments.end(), [](const char* a) { return std::strcmp(a, "--json") == 0; });
}

int fail(const Failure& failure, int code, bool json) {
  report("error: " + in_words(failure));
  if (json) {
    try {
      write_answer(error_event(failure) + "\n");
    } catch (const std::exception&) {  // stderr has it
    }
  }
  return code;
}

int run_program(const std::vector<const char*>& arguments) {
  const Entry* entry = &kCommands[0];
  bool named = false;
  for (const Entry& candidate : kCommands) {
    if (arguments.size() > 1 && std::strcmp(arguments[1], candidate.name) == 0) {
      entry = &candidate;
      named = true;
    }
  }
  const std::string name = named ? std::string("rustml-infer ") + entry->name : "rustml-infer";
  Options options(name, entry->summary, version_text());
  const Command command = entry->make(options);
  options.footer(footer_of(*entry) + kExitCodesHelp);
  try {
    const std::string help = options.parse(static_cast<int>(arguments.size()) - (named ? 1 : 0), arguments.data() + (named ? 1 : 0));
    if (!help.empty()) {
      write_answer(help);
      return kExitAnswer;
    }
  } catch (const UsageError& error) {
    throw Failure(RUSTML_INVALID_ARGUMENT, std::string(error.what()) + " (see " + name + " --help)");
  }
  const int code = command();
  end_trace();
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> given = start_program(argc, argv);
  std::vector<const char*> arguments;
  for (const std::string& argument : given) arguments.push_back(argument.c_str());
  try {
    return run_program(arguments);
  } catch (const OutputClosed&) {
    return kExitAnswer;
  } catch (const Failure& failure) {
    return fail(failure, exit_code(failure.status()), asks_json(arguments));
  } catch (const std::exception& error) {
    return fail(Failure(RUSTML_INTERNAL, error.what()), kExitError, asks_json(arguments));
  }
}
