#include "man_page.h"

namespace linformer {
namespace {

/// Text for roff: backslashes and leading dots are literal, dashes are those that people type.
std::string roff(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\\') {
      escaped += "\\e";
    } else if (c == '-') {
      escaped += "\\-";
    } else {
      if ((c == '.' || c == '\'') && (escaped.empty() || escaped.back() == '\n')) escaped += "\\&";
      escaped += c;
    }
  }
  return escaped;
}

std::string item(const OptionText& option) {
  std::string names;
  for (const std::string& name : option.names) names += (names.empty() ? "" : ", ") + name;
  const std::string value = option.value_text();
  return ".TP\n\\fB" + roff(names) + "\\fR" +
         (value.empty() ? "" : " \\fI" + roff(value) + "\\fR") + "\n" + roff(option.full_help()) +
         "\n";
}

std::string items(const CommandText& command) {
  std::string text;
  for (const OptionText& argument : command.arguments) text += item(argument);
  for (const OptionText& option : command.options) text += item(option);
  return text;
}

std::string examples(const CommandText& command) {
  if (command.examples.empty()) return "";
  std::string text = ".PP\n.nf\n.RS\n";
  for (const std::string& line : command.examples) text += roff(line) + "\n";
  return text + ".RE\n.fi\n";
}

std::string synopsis(const std::string& name, const CommandText& command) {
  std::string text = ".B " + roff(name) + "\n";
  for (const OptionText& option : command.options) {
    if (!option.required) continue;
    text +=
        "\\fB" + roff(option.names.front()) + "\\fR \\fI" + roff(option.value_text()) + "\\fR\n";
  }
  text += "[\\fIoptions\\fR]";
  for (const OptionText& argument : command.arguments) {
    text += " \\fI" + roff(argument.names.front()) + (argument.repeats ? " ..." : "") + "\\fR";
  }
  return text + "\n";
}

}  // namespace

std::string man_page(const CommandText& program, const std::string& version) {
  std::string text = ".TH " + roff(program.name) + " 1 \"\" \"" + roff(program.name) + " " +
                     roff(version) + "\" \"User Commands\"\n.SH NAME\n" + roff(program.name) +
                     " \\- " + roff(program.description) + "\n.SH SYNOPSIS\n";
  if (program.commands.empty()) text += synopsis(program.name, program);
  for (const CommandText& command : program.commands) {
    if (&command != &program.commands.front()) text += ".br\n";
    text += synopsis(program.name + " " + command.name, command);
  }
  text += ".SH OPTIONS\n" + items(program);
  if (!program.commands.empty()) text += ".SH COMMANDS\n";
  for (const CommandText& command : program.commands) {
    text += ".SS " + roff(command.name) + "\n" + roff(command.description) + "\n" + items(command) +
            examples(command);
  }
  if (!program.examples.empty()) text += ".SH EXAMPLES\n" + examples(program);
  text +=
      ".SH EXIT STATUS\n"
      ".TP\n0\nsuccess\n"
      ".TP\n1\nfailed at run time: a damaged file, a full disk, a loss that is not finite\n"
      ".TP\n2\nwrong usage or configuration\n"
      ".TP\n130, 143, 129, 152\nstopped by Ctrl\\-C, SIGTERM, a closed terminal or a CPU time "
      "limit, in this order\n";
  return text;
}

}  // namespace linformer
