// What options mean stands in their --help; here is only what the page has besides.
#include "cli/manual.h"

#include <algorithm>

namespace rustml::cli {
namespace {

constexpr const char* kOutput =
    R"(The answer goes to standard output and nothing else does; statistics, warnings and log lines go to standard error.
With \fB\-\-json\fR standard output carries one JSON object a line, described by the schema in
.IR share/rustml/events.schema.json .
)";

constexpr const char* kAfterExitCodes = R"(.SH CHAT
On a terminal
.B rustml\-infer chat
takes a line that begins with a slash as a command:
.B /help
prints the commands,
.B /undo
takes back the last turn (the message and its answer),
.B /reset
forgets all turns but not the system message,
.B /exit
ends the program. Such a line never reaches the model; begin it with two slashes to send it with one. If standard input is no terminal, every
line is sent.
.PP
A conversation may be longer than the context (\fB\-\-context\fR). When the prompt leaves no room for an answer (\fB\-\-max\-tokens\fR, but no
more than a quarter of the context), the oldest turns are dropped until half of the context is free. The system message stays. A line on
standard error says how many turns and tokens were dropped; with \fB\-\-json\fR a line of type
.I dropped
on standard output does too. An answer that meets the end of the context ends there, and a line on standard error says so.
.B \-\-quiet
leaves these lines on standard error out.
.PP
Ctrl\-C stops an answer. On a terminal the turn is kept as far as the answer came, or forgotten if it had not begun, and the conversation goes
on; so it does after a message that does not fit the context even alone. Otherwise each of them ends the program.
.SH ENVIRONMENT
.TP
.B RUST_LOG
What to log if \fB\-\-log\fR is absent, in the same syntax.
.TP
.B COLUMNS
Width at which
.B rustml\-infer chat
wraps answers on a terminal; the terminal's own if unset.
.TP
.BR HF_TOKEN ", " HF_TOKEN_PATH
Token for private and gated models, or the file that holds it. It is sent to the endpoint's host and port only, and never printed.
.TP
.BR HF_HUB_CACHE ", " HF_HOME ", " XDG_CACHE_HOME
The folder of the hub's cache; the default is
.IR ~/.cache/huggingface/hub .
.TP
.B HF_HUB_OFFLINE
1: make no connection at all.
.TP
.B HF_HUB_DOWNLOAD_TIMEOUT
Seconds without progress after which a transfer counts as broken and is tried again; 30 if unset.
.TP
.B HF_ENDPOINT
Another hub or mirror.
.SH EXAMPLES
.EX
rustml\-infer \-\-gguf model.gguf \-\-prompt "Once upon a time" \-\-max\-tokens 100
rustml\-infer chat \-\-gguf model.gguf \-\-system "Answer briefly."
rustml\-infer info \-\-gguf model.gguf
rustml\-infer pull ORG/NAME/FILE.gguf
source <(rustml\-infer completion bash)
.EE
)";

// `text` as roff prints it: no escapes, no ligature of minus signs, no line that begins with a control character.
std::string roff(const std::string& text) {
  std::string out;
  bool line_begins = true;
  for (const char c : text) {
    if (line_begins && (c == '.' || c == '\'')) out += "\\&";
    out += c == '\\' ? std::string("\\e") : c == '-' ? "\\-" : std::string(1, c);
    line_begins = c == '\n';
  }
  return out;
}

std::string bold(const std::string& text) { return "\\fB" + roff(text) + "\\fR"; }
std::string italic(const std::string& text) { return "\\fI" + roff(text) + "\\fR"; }

std::string label(const Described& option) {
  std::string out = option.letter.empty() ? "" : bold(option.letter) + ", ";
  out += option.placed() ? italic(option.type) : bold(option.name);
  if (!option.placed() && !option.type.empty()) out += " " + italic(option.type);
  return out;
}

std::string paragraph(const Described& option) {
  std::string values;  // where the help does not name them
  if (!option.values.empty() && option.help.find(option.values.front()) == std::string::npos) {
    for (const std::string& value : option.values) values += (values.empty() ? ": " : ", ") + value;
  }
  return ".TP\n" + label(option) + "\n" + roff(option.help + values) + "\n";
}

std::string synopsis(const CommandText& command, bool unnamed) {
  std::string out =
      (unnamed ? "" : ".br\n") + bold("rustml-infer") + (unnamed ? " [" + bold(command.name) + "]" : " " + bold(command.name));
  for (const Described& option : command.options) {
    if (option.placed()) out += " " + italic(option.type);
  }
  return out + " [" + italic("OPTION") + "...]\n";
}

bool same_option(const Described& a, const Described& b) { return a.name == b.name && a.type == b.type && a.help == b.help; }

// A command's options: those that `first` has too by name, the others in full.
std::string section(const CommandText& command, const CommandText& first) {
  std::string described, shared;
  for (const Described& option : command.options) {
    const bool known = std::any_of(first.options.begin(), first.options.end(), [&](const Described& o) { return same_option(o, option); });
    if (!known) described += paragraph(option);
    if (known) shared += (shared.empty() ? "" : ", ") + bold(option.name);
  }
  return ".SS " + roff(command.name) + "\n" + roff(command.summary) + "\n" + described + ".PP\nAlso, as above: " + shared + ".\n";
}

}  // namespace

std::string manual_page(const std::string& version, const std::string& exit_codes, const std::vector<CommandText>& commands) {
  const CommandText& first = commands.front();
  std::string out = ".TH RUSTML\\-INFER 1 \"\" \"rustml " + roff(version) + "\" \"User Commands\"\n.SH NAME\n" +
                    "rustml\\-infer \\- run language models on the processor\n.SH SYNOPSIS\n";
  for (const CommandText& command : commands) out += synopsis(command, &command == &first);
  out += ".SH DESCRIPTION\n" + roff(first.summary) + "\nThe first argument names the command; without one it is " + bold(first.name) +
         ".\n.PP\n" + kOutput + ".SH OPTIONS\n";
  for (const Described& option : first.options) out += paragraph(option);
  out += ".SH COMMANDS\n";
  for (const CommandText& command : commands) {
    if (&command != &first) out += section(command, first);
  }
  return out + ".SH EXIT STATUS\n" + roff(exit_codes) + "\n" + kAfterExitCodes;
}

}  // namespace rustml::cli
