#include "yaml_section.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <set>

#include <yaml-cpp/yaml.h>

#include "yaml_check.h"

#include "linformer/config/config_file.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"

namespace linformer {
namespace {

std::string place_of(const std::string& where, const YAML::Mark& mark) {
  if (mark.line < 0) return where;
  return where + ":" + std::to_string(mark.line + 1) + ":" + std::to_string(mark.column + 1);
}

template <class T>
std::optional<T> parse(const std::string& text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

YamlSection::YamlSection(std::string where, std::string name, const YAML::Node& node)
    : where_(std::move(where)),
      name_(std::move(name)),
      node_(std::make_shared<const YAML::Node>(node)) {
  if (!node.IsMap()) {
    fail_usage(place_of(where_, node.Mark()),
               (name_.empty() ? "the file" : name_) + " has to be a section of keys",
               "write KEY: VALUE");
  }
  std::set<std::string> seen;
  for (const auto& entry : node) {
    if (!entry.first.IsScalar()) {
      fail_usage(place_of(where_, entry.first.Mark()), "a key has to be a word",
                 "write KEY: VALUE");
    }
    if (!seen.insert(entry.first.Scalar()).second) {
      fail_usage(place_of(where_, entry.first.Mark()),
                 label(entry.first.Scalar()) + " is given twice", "remove one of the two");
    }
  }
}

std::string YamlSection::place(const std::string& key) const {
  for (const auto& entry : *node_) {
    if (entry.first.Scalar() == key) return place_of(where_, entry.first.Mark());
  }
  return place_of(where_, node_->Mark());
}

void YamlSection::fail(const std::string& key, const std::string& what,
                       const std::string& fix) const {
  fail_usage(place(key), label(key) + " " + what, fix);
}

bool YamlSection::has(const std::string& key) const {
  return std::any_of(node_->begin(), node_->end(),
                     [&](const auto& entry) { return entry.first.Scalar() == key; });
}

std::shared_ptr<const YAML::Node> YamlSection::find(const std::string& key) {
  if (std::find(known_.begin(), known_.end(), key) == known_.end()) known_.push_back(key);
  for (const auto& entry : *node_) {
    if (entry.first.Scalar() == key) return std::make_shared<const YAML::Node>(entry.second);
  }
  return nullptr;
}

std::string YamlSection::text(const std::string& key) {
  const auto node = find(key);
  if (!node) {
    fail_usage(place(), (name_.empty() ? "the file" : name_) + " has no " + key,
               "add a line " + key + ": VALUE");
  }
  if (!node->IsScalar()) fail(key, "takes one value", "write " + key + ": VALUE");
  return node->Scalar();
}

std::string YamlSection::text_or(const std::string& key, const std::string& otherwise) {
  return find(key) ? text(key) : otherwise;
}

int64_t YamlSection::whole_number_or(const std::string& key, int64_t otherwise, int64_t lowest) {
  if (!find(key)) return otherwise;
  const std::optional<int64_t> value = parse<int64_t>(text(key));
  if (!value || *value < lowest) {
    fail(key,
         "takes a whole number, at least " + std::to_string(lowest) + ", found '" + text(key) + "'",
         "e.g. " + key + ": " + std::to_string(std::max<int64_t>(lowest, 1)));
  }
  return *value;
}

double YamlSection::number_or(const std::string& key, double otherwise, double lowest) {
  if (!find(key)) return otherwise;
  const std::optional<double> value = parse<double>(text(key));
  if (!value || !std::isfinite(*value) || *value < lowest) {
    fail(key, "takes a number, at least " + format_number(lowest) + ", found '" + text(key) + "'",
         "e.g. " + key + ": " + format_number(lowest + 0.5));
  }
  return *value;
}

bool YamlSection::flag(const std::string& key) {
  const std::string value = text_or(key, "false");
  if (value != "true" && value != "false") {
    fail(key, "takes true or false, found '" + value + "'", "write " + key + ": true");
  }
  return value == "true";
}

TextList YamlSection::list_of(const std::string& key, const YAML::Node& node) const {
  if (node.IsScalar()) return {node.Scalar()};
  TextList items;
  for (const YAML::Node& item : node) {
    if (!node.IsSequence() || !item.IsScalar()) {
      fail(key, "takes a list of values", "write " + key + ": [a, b]");
    }
    items.push_back(item.Scalar());
  }
  return items;
}

TextList YamlSection::list(const std::string& key) {
  const auto node = find(key);
  return node ? list_of(key, *node) : TextList();
}

std::vector<TextList> YamlSection::table(const std::string& key) {
  const auto node = find(key);
  if (!node) return {};
  if (!node->IsSequence()) fail(key, "takes a list of lists", "write " + key + ": [[a, b], [c]]");
  std::vector<TextList> rows;
  for (const YAML::Node& row : *node) {
    if (!row.IsSequence()) fail(key, "takes a list of lists", "write " + key + ": [[a, b], [c]]");
    rows.push_back(list_of(key, row));
  }
  return rows;
}

std::vector<std::pair<std::string, TextList>> YamlSection::lists(const std::string& key) {
  std::vector<std::pair<std::string, TextList>> result;
  if (const auto node = find(key)) {
    YamlSection section(where_, label(key), *node);
    for (const auto& entry : *node) {
      const std::string& name = entry.first.Scalar();
      result.emplace_back(name, section.list(name));
    }
  }
  return result;
}

void YamlSection::sections(const std::string& key, const std::function<void(YamlSection&)>& read) {
  const auto node = find(key);
  if (!node) return;
  if (!node->IsSequence()) fail(key, "takes a list of sections", "begin each one with '- '");
  for (const YAML::Node& item : *node) {
    YamlSection section(where_, label(key), item);
    read(section);
    section.finish();
  }
}

void YamlSection::named_sections(
    const std::string& key, const std::function<void(const std::string&, YamlSection&)>& read) {
  const auto node = find(key);
  if (!node) return;
  const YamlSection names(where_, label(key), *node);
  for (const auto& entry : *node) {
    YamlSection section(where_, label(key) + "." + entry.first.Scalar(), entry.second);
    read(entry.first.Scalar(), section);
    section.finish();
  }
}

void YamlSection::finish() const {
  for (const auto& entry : *node_) {
    const std::string& key = entry.first.Scalar();
    if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
    const std::string nearest = nearest_name(key, known_);
    std::string fix = "known keys here:";
    for (const std::string& name : known_) fix += " " + name;
    fail_usage(place(key), "unknown key " + label(key),
               nearest.empty() ? fix : "did you mean " + nearest + "?");
  }
}

void read_yaml_sections(const std::string& path, const std::function<void(YamlSection&)>& read) {
  const std::string text = read_config_text(path);
  if (const auto problem = find_yaml_problem(text)) {
    fail_usage(problem->line < 0 ? path
                                 : path + ":" + std::to_string(problem->line + 1) + ":" +
                                       std::to_string(problem->column + 1),
               problem->what, problem->fix);
  }
  try {
    YamlSection section(path, "", YAML::Load(text));
    read(section);
    section.finish();
  } catch (const YAML::Exception& error) {
    fail_usage(place_of(path, error.mark), "this is not valid YAML: " + error.msg,
               "check indentation (blanks, no tabs), colons, quotes and brackets near there");
  }
}

}  // namespace linformer
