// One shape for three shells: the first word may be a command; behind an option comes its value: one of a list, a file, a
// folder or anything; otherwise an option of the command, or what it takes by place.
#include "cli/completion.h"

namespace rustml::cli {
namespace {

enum class Value { none, list, file, folder, free };

Value kind_of(const Described& option) {
  if (option.type.empty()) return Value::none;
  if (!option.values.empty()) return Value::list;
  if (option.type == "DIR") return Value::folder;
  const bool file = option.type == "FILE" || option.type == "IN" || option.type == "OUT";
  return file ? Value::file : Value::free;
}

std::string joined(const std::vector<std::string>& words, const char* between) {
  std::string all;
  for (const std::string& word : words) all += (all.empty() ? "" : between) + word;
  return all;
}

// `text` with a backslash before each of `special`.
std::string escaped(const std::string& text, const char* special) {
  std::string out;
  for (const char c : text) {
    if (std::string(special).find(c) != std::string::npos) out += '\\';
    out += c;
  }
  return out;
}

// 'text' for a shell in which quoted text ends at the next quote, whatever is before it.
std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

// ------------------------------------------------------------------------------------------------------ bash

std::string bash_candidates(const Described& option) {
  switch (kind_of(option)) {
    case Value::list: return "COMPREPLY=($(compgen -W '" + joined(option.values, " ") + "' -- \"$word\"))";
    case Value::file: return "compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- \"$word\")";
    case Value::folder: return "compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- \"$word\")";
    default: return "COMPREPLY=()";
  }
}

std::string bash(const std::vector<CommandText>& commands) {
  std::vector<std::string> names;
  for (const CommandText& command : commands) names.push_back(command.name);
  std::string cases, values, placed;
  for (const CommandText& command : commands) {
    std::vector<std::string> options;
    std::string at_place;
    for (const Described& option : command.options) {
      if (option.placed()) {
        at_place = bash_candidates(option);
        continue;
      }
      options.push_back(option.name);
      if (kind_of(option) != Value::none)
        values += "    " + command.name + "\\ " + option.name + ") " + bash_candidates(option) + "; return ;;\n";
    }
    cases += "    " + command.name + ") options='" + joined(options, " ") + "' ;;\n";
    if (!at_place.empty()) placed += "    " + command.name + ") " + at_place + " ;;\n";
  }
  return "# bash completion of rustml-infer; made by: rustml-infer completion bash\n"
         "_rustml_infer() {\n"
         "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command=" +
         names.front() +
         " options=\n"
         "  COMPREPLY=()\n"
         "  if ((COMP_CWORD > 1)); then\n"
         "    case ${COMP_WORDS[1]} in " +
         joined(names, "|") +
         ") command=${COMP_WORDS[1]} ;; esac\n"
         "  fi\n"
         "  # --option=value comes as three words.\n"
         "  if [[ $word == = ]]; then word=; elif [[ $before == = ]]; then before=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
         "  case $command\\ $before in\n" +
         values +
         "  esac\n"
         "  case $command in\n" +
         cases +
         "  esac\n"
         "  if [[ $word == -* ]]; then\n"
         "    COMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n"
         "    return\n"
         "  fi\n"
         "  if ((COMP_CWORD == 1)); then\n"
         "    COMPREPLY=($(compgen -W '" +
         joined(names, " ") +
         "' -- \"$word\"))\n"
         "    return\n"
         "  fi\n"
         "  case $command in\n" +
         placed +
         "    *) [[ -n $word ]] || COMPREPLY=($(compgen -W \"$options\")) ;;\n  esac\n"
         "}\n"
         "complete -F _rustml_infer rustml-infer\n";
}

// ------------------------------------------------------------------------------------------------------- zsh

std::string zsh_action(const Described& option) {
  switch (kind_of(option)) {
    case Value::list: return ":" + option.type + ":(" + joined(option.values, " ") + ")";
    case Value::file: return ":" + option.type + ":_files";
    case Value::folder: return ":" + option.type + ":_files -/";
    case Value::free: return ":" + option.type + ": ";
    default: return "";
  }
}

std::string zsh(const std::vector<CommandText>& commands) {
  std::string names, cases;
  for (const CommandText& command : commands) {
    names += "    " + quoted(escaped(command.name, ":") + ":" + command.summary) + "\n";
    cases += "    " + command.name + ")\n      arguments=(\n";
    int place = 0;
    for (const Described& option : command.options) {
      // --option value and --option=value; an option that may be given several times stays on offer, as in the other shells.
      const std::string help = "[" + escaped(option.help, "[]\\") + "]";
      cases += "        " +
               (option.placed() ? quoted(std::to_string(++place) + zsh_action(option))
                                : quoted("*" + option.name + (option.type.empty() ? "" : "=") + help + zsh_action(option))) +
               "\n";
    }
    cases += "      ) ;;\n";
  }
  return "#compdef rustml-infer\n# zsh completion of rustml-infer; made by: rustml-infer completion zsh\n"
         "_rustml_infer() {\n"
         "  local -a commands arguments\n"
         "  commands=(\n" +
         names +
         "  )\n"
         "  local command=" +
         commands.front().name +
         "\n"
         "  if (( CURRENT > 2 )) && (( ${commands[(I)${words[2]}:*]} )); then\n"
         "    command=${words[2]}\n"
         "    shift words\n"
         "    (( CURRENT-- ))\n"
         "  elif (( CURRENT == 2 )) && [[ $PREFIX != -* ]]; then\n"
         "    _describe -t commands command commands\n"
         "    return\n"
         "  fi\n"
         "  case $command in\n" +
         cases +
         "  esac\n"
         "  _arguments -S : $arguments\n"
         "}\n"
         // Found by its name in fpath it is the function's body; sourced it only registers.
         "if [[ ${funcstack[1]} == _rustml-infer ]]; then _rustml_infer \"$@\"; else compdef _rustml_infer rustml-infer; fi\n";
}

// ------------------------------------------------------------------------------------------------------ fish

std::string fish_action(const Described& option) {
  switch (kind_of(option)) {
    case Value::list: return " -x -a '" + joined(option.values, " ") + "'";
    case Value::file: return " -r -F";
    case Value::folder: return " -x -a '(__fish_complete_directories)'";
    case Value::free: return " -x";
    default: return "";
  }
}

std::string fish(const std::vector<CommandText>& commands) {
  const auto text = [](const std::string& words) { return "'" + escaped(words, "'\\") + "'"; };
  std::vector<std::string> others;
  for (const CommandText& command : commands) {
    if (&command != &commands.front()) others.push_back(command.name);
  }
  std::string out = "# fish completion of rustml-infer; made by: rustml-infer completion fish\ncomplete -c rustml-infer -f\n";
  for (const CommandText& command : commands)
    out += "complete -c rustml-infer -n __fish_use_subcommand -a " + command.name + " -d " + text(command.summary) + "\n";
  for (const CommandText& command : commands) {
    const bool first = &command == &commands.front();
    const std::string when =
        text((first ? "not __fish_seen_subcommand_from " + joined(others, " ") : "__fish_seen_subcommand_from " + command.name));
    for (const Described& option : command.options) {
      out += "complete -c rustml-infer -n " + when + (option.placed() ? "" : " -l " + option.name.substr(2));
      out += option.placed() && kind_of(option) == Value::file ? " -F" : fish_action(option);
      out += (option.placed() ? "" : " -d " + text(option.help)) + "\n";
    }
  }
  return out;
}

}  // namespace

std::vector<std::string> completion_shells() { return {"bash", "zsh", "fish"}; }

std::string completion_script(const std::string& shell, const std::vector<CommandText>& commands) {
  return shell == "bash" ? bash(commands) : shell == "zsh" ? zsh(commands) : fish(commands);
}

}  // namespace rustml::cli
