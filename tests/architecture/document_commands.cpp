#include "architecture/document_commands.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <regex>
#include <sstream>
#include <stdexcept>

#include "architecture/source_tree.h"

namespace linformer {
namespace {

const std::string kBlank = " \t";

std::string trimmed(const std::string& text) {
  const size_t from = text.find_first_not_of(kBlank);
  if (from == std::string::npos) return "";
  return text.substr(from, text.find_last_not_of(kBlank) - from + 1);
}

/// A line without its comment: a # at its beginning or after a blank, outside quotation marks.
std::string without_comment(const std::string& line) {
  char quote = 0;
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quote != 0) {
      if (c == quote) quote = 0;
    } else if (c == '\'' || c == '"') {
      quote = c;
    } else if (c == '#' && (i == 0 || kBlank.find(line[i - 1]) != std::string::npos)) {
      return line.substr(0, i);
    }
  }
  return line;
}

/// Joins lines that end with a backslash or a |, and the lines of a function.
class CommandCollector {
 public:
  explicit CommandCollector(std::string document) : document_(std::move(document)) {}

  void add(size_t number, const std::string& raw) {
    std::string line = trimmed(without_comment(raw));
    bool goes_on = line.ends_with('\\');
    if (goes_on) line = trimmed(line.substr(0, line.size() - 1));
    goes_on = goes_on || line.ends_with('|');
    if (line.empty()) return;
    if (text_.empty()) first_ = number;
    if (line.ends_with("() {")) in_function_ = true;
    if (line == "}") in_function_ = false;
    text_ += (text_.empty() ? "" : separator_) + line;
    separator_ = goes_on || line.ends_with('{') ? " " : "; ";
    if (!goes_on && !in_function_) finish();
  }

  std::vector<DocumentCommand> take() {
    finish();
    return std::move(commands_);
  }

  bool is_open() const { return !text_.empty(); }

 private:
  void finish() {
    if (!text_.empty()) {
      commands_.push_back({document_, first_, std::regex_replace(text_, std::regex(" +"), " ")});
    }
    text_.clear();
    in_function_ = false;
  }

  std::string document_, text_, separator_;
  size_t first_ = 0;
  bool in_function_ = false;
  std::vector<DocumentCommand> commands_;
};

using Words = std::vector<std::string>;

/// Words as a shell sees them. Operators (| && ; > 2>) are words that begin with a NUL, so that
/// they differ from quoted text.
Words words_of(const std::string& command) {
  Words words;
  std::string word;
  bool begun = false;
  const auto finish = [&] {
    if (begun) words.push_back(word);
    word.clear();
    begun = false;
  };
  char quote = 0;
  for (const char c : command) {
    if (quote != 0) {
      if (c == quote) {
        quote = 0;
      } else {
        word += c;
      }
    } else if (c == '\'' || c == '"') {
      quote = c;
      begun = true;
    } else if (kBlank.find(c) != std::string::npos) {
      finish();
    } else if (std::string("|;&<>").find(c) != std::string::npos) {
      finish();
      words.push_back(std::string(1, '\0') + c);
    } else {
      word += c;
      begun = true;
    }
  }
  finish();
  return words;
}

/// "build/release/bin/linformer-data" -> linformer-data, "./tools/test.sh" -> tools/test.sh; empty
/// for everything else.
std::string program_of(const std::string& word) {
  static const std::regex kProgram("(?:.*/)?(linformer(?:-[a-z]+)?)");
  static const std::regex kScript("(?:\\./)?(tools/[a-z/_-]+\\.sh)");
  std::smatch match;
  if (std::regex_match(word, match, kProgram) || std::regex_match(word, match, kScript)) {
    return match[1];
  }
  return "";
}

/// A program after `previous` is called by the call before it, and is no argument of it.
bool launches(const ProgramCall& call, const std::string& previous) {
  return previous == "--" || call.program.ends_with(".sh");
}

std::vector<std::string> tab_separated(const std::string& line) {
  std::vector<std::string> fields;
  std::istringstream stream(line);
  for (std::string field; std::getline(stream, field, '\t');) fields.push_back(field);
  return fields;
}

}  // namespace

std::vector<DocumentCommand> find_commands(const std::string& document, const std::string& text) {
  CommandCollector collector(document);
  std::istringstream lines(text);
  size_t number = 0;
  bool inside = false, shell = false, answers = false;
  const std::string prompt = "$ ";
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (trimmed(line).starts_with("```")) {
      inside = !inside;
      shell = trimmed(line) == "```sh";
      continue;
    }
    if (!inside) continue;
    if (shell) {
      collector.add(number, line);
    } else if (line.starts_with(prompt) || answers) {
      collector.add(number, line.starts_with(prompt) ? line.substr(prompt.size()) : line);
    }
    answers = !shell && collector.is_open();  // a command after a prompt goes on
  }
  return collector.take();
}

std::vector<DocumentCommand> find_commented_commands(const std::string& path,
                                                     const std::string& text) {
  CommandCollector collector(path);
  std::istringstream lines(text);
  size_t number = 0;
  const std::string comment = "#";
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (!line.starts_with(comment)) continue;
    const std::string content = line.substr(comment.size());
    const bool indented = content.starts_with("  ");
    const std::string first = content.substr(0, content.find(' ', content.find_first_not_of(' ')));
    if (collector.is_open() || (indented && !program_of(trimmed(first)).empty())) {
      collector.add(number, content);
    }
  }
  return collector.take();
}

std::vector<DocumentCommand> all_document_commands() {
  std::vector<DocumentCommand> commands;
  for (const SourceFile& file : read_all_text()) {
    std::vector<DocumentCommand> found;
    if (file.path.starts_with("docs/") && file.path.ends_with(".md")) {
      found = find_commands(file.path, file.text);
    } else if (file.path == "README.md" || file.path == "CONTRIBUTING.md") {
      found = find_commands(file.path, file.text);
    } else if (file.path.starts_with("configs/") && file.path.ends_with(".yaml")) {
      found = find_commented_commands(file.path, file.text);
    }
    commands.insert(commands.end(), found.begin(), found.end());
  }
  return commands;
}

std::vector<ProgramCall> find_calls(const std::string& command) {
  std::vector<ProgramCall> calls;
  std::map<std::string, Words> variables;
  // A variable that holds the beginning of a call: run="linformer-train --config x".
  static const std::regex kAssignment("([a-z_]+)=(linformer-.*)");
  bool open = false;        // the words belong to the last call
  bool redirected = false;  // the next word is a file
  Words words = words_of(command);
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string word = words[i];
    std::smatch match;
    if (word.starts_with('\0')) {
      redirected = word[1] == '<' || word[1] == '>';
      open = open && redirected;
    } else if (redirected) {
      redirected = false;
    } else if (std::regex_match(word, match, kAssignment)) {
      variables[match[1]] = words_of(match[2]);
    } else if (word.starts_with('$') && variables.count(word.substr(1)) > 0) {
      const Words& beginning = variables[word.substr(1)];
      words.insert(words.begin() + static_cast<long>(i) + 1, beginning.begin(), beginning.end());
    } else if (!program_of(word).empty() && (!open || launches(calls.back(), words[i - 1]))) {
      calls.push_back({program_of(word), {}});
      open = true;
    } else if (open) {
      calls.back().arguments.push_back(word);
    }
  }
  return calls;
}

std::vector<CommandCheck> read_command_checks() {
  std::vector<CommandCheck> checks;
  for (const SourceFile& file : read_all_text()) {
    if (file.path != "tests/documents/commands.tsv") continue;
    std::istringstream lines(file.text);
    for (std::string line; std::getline(lines, line);) {
      if (line.empty() || line.starts_with('#')) continue;
      const auto fields = tab_separated(line);
      if (fields.size() != 4) throw std::runtime_error("not four fields: " + line);
      checks.push_back({fields[0], fields[1], fields[2], fields[3]});
    }
  }
  return checks;
}

}  // namespace linformer
