#include "command_text.h"

#include <sstream>

#include <CLI/CLI.hpp>

namespace linformer {
namespace {

constexpr const char* kExamples = "Examples:";

/// "{a,b}" as names; nothing for another text.
std::vector<std::string> names_in(const std::string& text) {
  std::vector<std::string> names;
  if (text.size() < 2 || text.front() != '{' || text.back() != '}') return names;
  std::istringstream list(text.substr(1, text.size() - 2));
  for (std::string name; std::getline(list, name, ',');) names.push_back(name);
  return names;
}

std::string kind_of_value(const std::string& type) {
  if (type == "INT" || type == "UINT") return "N";
  if (type == "FLOAT") return "X";
  return type.empty() ? "TEXT" : type;
}

std::vector<std::string> lines_after_heading(const std::string& footer) {
  std::vector<std::string> lines;
  std::istringstream text(footer);
  for (std::string line; std::getline(text, line);) {
    if (line == kExamples) continue;
    lines.push_back(line.substr(std::min<size_t>(2, line.size())));
  }
  return lines;
}

}  // namespace

std::string OptionText::value_text() const {
  if (value.empty()) return "";
  std::string text = value;
  if (!choices.empty()) {
    text = "{";
    for (const std::string& choice : choices) text += (text.size() > 1 ? "," : "") + choice;
    text += "}";
  }
  return text + (repeats ? " ..." : "");
}

std::string OptionText::full_help() const {
  std::string remarks;
  const auto add = [&](const std::string& remark) {
    remarks += (remarks.empty() ? "" : "; ") + remark;
  };
  if (required) add("required");
  if (!range.empty()) add(range);
  if (!default_value.empty()) add("default " + default_value);
  return remarks.empty() ? help : help + " (" + remarks + ")";
}

OptionText describe_option(const CLI::Option& option) {
  OptionText text;
  text.help = option.get_description();
  text.required = option.get_required();
  for (const std::string& name : option.get_lnames()) text.names.push_back("--" + name);
  for (const std::string& name : option.get_snames()) text.names.push_back("-" + name);
  if (text.names.empty()) text.names.push_back(option.get_name(/*positional=*/true));
  if (option.get_items_expected_max() == 0) return text;  // a flag
  // "TYPE:CHECK:CHECK", where each check describes itself.
  std::istringstream parts(option.get_type_name());
  std::string part;
  std::getline(parts, part, ':');
  text.value = kind_of_value(part);
  while (std::getline(parts, part, ':')) {
    const auto names = names_in(part);
    if (!names.empty()) {
      text.choices = names;
    } else {
      text.range = part;
    }
  }
  text.default_value = option.get_default_str();
  text.repeats = option.get_expected_max() > 1;
  return text;
}

CommandText describe_command(const CLI::App& app) {
  CommandText text;
  text.name = app.get_name();
  text.description = app.get_description();
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_group().empty()) continue;  // hidden
    const bool named = !option->get_lnames().empty() || !option->get_snames().empty();
    (named ? text.options : text.arguments).push_back(describe_option(*option));
  }
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    text.commands.push_back(describe_command(*command));
  }
  text.examples = lines_after_heading(app.get_footer());
  text.is_program = app.get_group() == kProgramsGroup;
  return text;
}

}  // namespace linformer
