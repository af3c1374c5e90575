#include "completion.h"

#include <algorithm>

namespace linformer {
namespace {

/// A name of a shell function: "linformer-data" as "_linformer_data".
std::string function_name(const std::string& program) {
  std::string name = "_" + program;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

std::string joined(const std::vector<std::string>& words, const std::string& between) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : between) + word;
  return text;
}

/// All words that a command line may go on with.
std::string words_of(const CommandText& command) {
  std::vector<std::string> words;
  for (const CommandText& sub : command.commands) words.push_back(sub.name);
  for (const OptionText& option : command.options) {
    words.insert(words.end(), option.names.begin(), option.names.end());
  }
  return joined(words, " ");
}

/// The branches of bash's `case` over "COMMAND OPTION" for options that take a value.
std::string value_branches(const CommandText& command, const std::string& name) {
  std::string text;
  for (const OptionText& option : command.options) {
    if (option.value.empty()) continue;
    std::vector<std::string> patterns;
    for (const std::string& word : option.names)
      patterns.push_back("\"" + name + " " + word + "\"");
    text += "    " + joined(patterns, " | ") + ")\n      ";
    text += option.choices.empty() ? "COMPREPLY=($(compgen -f -- \"$current\"))"
                                   : "COMPREPLY=($(compgen -W \"" + joined(option.choices, " ") +
                                         "\" -- \"$current\"))";
    text += "\n      return\n      ;;\n";
  }
  return text;
}

/// Of a program that starts others: the word after it names one, whose own script completes the
/// rest. Other words are left to the caller.
std::string bash_delegation(const CommandText& program) {
  std::vector<std::string> names;
  for (const CommandText& command : program.commands) {
    if (command.is_program) names.push_back(command.name);
  }
  if (names.empty()) return "";
  return "  if [[ $COMP_CWORD -gt 1 ]]; then\n    case ${COMP_WORDS[1]} in\n      " +
         joined(names, " | ") +
         ")\n"
         "        local program=${COMP_WORDS[0]}-${COMP_WORDS[1]}  # in its folder, if it has one\n"
         "        local complete=" +
         function_name(program.name) +
         "_${COMP_WORDS[1]//-/_}\n"
         "        declare -F \"$complete\" >/dev/null ||\n"
         "          eval \"$(\"$program\" --completion bash 2>/dev/null)\"\n"
         "        declare -F \"$complete\" >/dev/null || return\n"
         "        COMP_WORDS=(\"$program\" \"${COMP_WORDS[@]:2}\")\n"
         "        COMP_CWORD=$((COMP_CWORD - 1))\n"
         "        \"$complete\"\n        return\n        ;;\n    esac\n  fi\n";
}

/// A text within single quotes, where "[", "]" and ":" mean something to _arguments.
std::string zsh_text(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\'') {
      escaped += "'\\''";
    } else {
      if (c == '[' || c == ']' || c == ':') escaped += '\\';
      escaped += c;
    }
  }
  return escaped;
}

std::string zsh_action(const OptionText& option) {
  if (!option.choices.empty()) return "(" + joined(option.choices, " ") + ")";
  return option.value == "N" || option.value == "X" ? "" : "_files";
}

std::string zsh_arguments(const CommandText& command, const std::string& indent) {
  std::string text;
  for (const OptionText& option : command.options) {
    for (const std::string& name : option.names) {
      text += indent + "'" + (option.repeats ? "*" : "") + name + "[" + zsh_text(option.help) + "]";
      if (!option.value.empty()) text += ":" + zsh_text(option.value) + ":" + zsh_action(option);
      text += "' \\\n";
    }
  }
  if (!command.commands.empty()) return text;
  for (const OptionText& argument : command.arguments) {
    text += indent + "'" + (argument.repeats ? "*" : "") + ":" + zsh_text(argument.names.front()) +
            ":" + zsh_action(argument) + "' \\\n";
  }
  return text;
}

}  // namespace

std::string bash_completion(const CommandText& program) {
  const std::string function = function_name(program.name);
  std::vector<std::string> names;
  for (const CommandText& command : program.commands) names.push_back(command.name);
  std::string text =
      "# bash completion of " + program.name + ", made by " + program.name +
      " --completion bash\n" + function + "() {\n" + bash_delegation(program) +
      "  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n"
      "  local command='' word\n"
      "  COMPREPLY=()\n";
  if (!names.empty()) {
    text += "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n    case $word in\n      " +
            joined(names, " | ") +
            ")\n        command=$word\n        break\n        ;;\n    esac\n  done\n";
  }
  text += "  case \"$command $previous\" in\n" + value_branches(program, "");
  for (const CommandText& command : program.commands) text += value_branches(command, command.name);
  text += "  esac\n  case $command in\n    '') word='" + words_of(program) + "' ;;\n";
  for (const CommandText& command : program.commands) {
    text += "    " + command.name + ") word='" + words_of(command) + "' ;;\n";
  }
  text +=
      "  esac\n"
      "  COMPREPLY=($(compgen -W \"$word\" -- \"$current\"))\n"
      "  [[ ${#COMPREPLY[@]} -gt 0 || $current == -* ]] || COMPREPLY=($(compgen -f -- "
      "\"$current\"))\n"
      "}\n"
      "complete -o filenames -F " +
      function + " " + program.name + "\n";
  return text;
}

std::string zsh_completion(const CommandText& program) {
  std::string text = "#compdef " + program.name + "\n# zsh completion of " + program.name +
                     ", made by " + program.name + " --completion zsh\n";
  if (program.commands.empty()) {
    return text + "_arguments -s \\\n" + zsh_arguments(program, "  ") + "  && return 0\n";
  }
  text +=
      "local context state state_descr line\ntypeset -A opt_args\nlocal -a commands\ncommands=(\n";
  for (const CommandText& command : program.commands) {
    text += "  '" + command.name + ":" + zsh_text(command.description) + "'\n";
  }
  text += ")\n_arguments -C \\\n" + zsh_arguments(program, "  ") +
          "  '1:command:->command' \\\n  '*::argument:->arguments' && return 0\n"
          "case $state in\n  command) _describe command commands ;;\n"
          "  arguments)\n    case $line[1] in\n";
  for (const CommandText& command : program.commands) {
    text += "      " + command.name + ")\n";
    if (command.is_program) {
      text += "        words[1]=" + program.name + "-" + command.name + "\n        _normal\n";
    } else {
      text += "        _arguments -s \\\n" + zsh_arguments(command, "          ") +
              "          && return 0\n";
    }
    text += "        ;;\n";
  }
  return text + "    esac\n    ;;\nesac\n";
}

}  // namespace linformer
