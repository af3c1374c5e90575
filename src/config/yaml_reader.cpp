#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <set>

#include <yaml-cpp/yaml.h>

#include "scalar.h"
#include "yaml_check.h"

#include "linformer/config/config_file.h"
#include "linformer/config/setting_names.h"
#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"

namespace linformer {
namespace {

/// The program whose configurations have this section and those of the others do not; "" for other
/// names.
std::string program_of_section(const std::string& key) {
  for (const char* name : {"model", "data", "tokenizer"}) {
    if (key == name) return "linformer-train";
  }
  for (const char* name : {"task", "finetune", "input"}) {
    if (key == name) return "linformer-finetune";
  }
  for (const char* name : {"pretraining", "finetuning", "measurements", "panels"}) {
    if (key == name) return "linformer-report";
  }
  return "";
}

/// Reads nodes into fields, and keeps what error messages need. For a file, `where` is its name, to
/// which line and column are added; for an override it is the argument as typed.
class NodeReader {
 public:
  NodeReader(std::string where, bool has_lines) : where_(std::move(where)), has_lines_(has_lines) {}

  void read_section(const FieldList& fields, const YAML::Node& node, const std::string& prefix);
  void read_value(const Field& field, const YAML::Node& node, const std::string& key);

  std::string place(const YAML::Mark& mark) const { return place(mark.line, mark.column); }
  std::string place(int line, int column) const {
    if (!has_lines_ || line < 0) return where_;
    return where_ + ":" + std::to_string(line + 1) + ":" + std::to_string(column + 1);
  }

  /// Refuses a text whose values cannot be walked through (yaml_check.h).
  void check_shape(const std::string& text) const {
    if (const auto problem = find_yaml_problem(text)) {
      fail_usage(place(problem->line, problem->column), problem->what, problem->fix);
    }
  }

  [[noreturn]] void fail_unknown(const YAML::Mark& mark, const std::string& key,
                                 const FieldList& fields, const std::string& prefix) const;

 private:
  struct Setter;

  std::string where_;
  bool has_lines_;
};

std::string show(const YAML::Node& node) {
  if (node.IsNull()) return "nothing";
  if (node.IsSequence()) return "a list";
  if (node.IsMap()) return "a section of keys";
  const std::string quote = node.Tag() == "!" ? "\"" : "'";
  const std::string& text = node.Scalar();
  return quote + (text.size() > 60 ? text.substr(0, 57) + "..." : text) + quote;
}

bool is_plain_scalar(const YAML::Node& node) {
  return node.IsScalar() && node.Tag() != "!";
}

std::optional<double> parse_number(const YAML::Node& node) {
  if (!is_plain_scalar(node)) return std::nullopt;
  std::string_view text = node.Scalar();
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  double value = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Decimal digits, or a whole number in scientific notation (1e9) that a double holds exactly.
std::optional<int64_t> parse_whole_number(const YAML::Node& node) {
  if (!is_plain_scalar(node)) return std::nullopt;
  std::string_view text = node.Scalar();
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size()) return value;
  const std::optional<double> number = parse_number(node);
  const bool scientific = text.find_first_of("eE") != std::string_view::npos;
  if (!scientific || !number || *number != std::floor(*number) || std::abs(*number) > 0x1p53) {
    return std::nullopt;
  }
  return static_cast<int64_t>(*number);
}

bool is_non_finite(const YAML::Node& node) {
  static const std::set<std::string> kWords{".inf", "-.inf", "+.inf", ".nan", "inf",
                                            "-inf", "+inf",  "nan",   "-nan", "infinity"};
  if (!is_plain_scalar(node)) return false;
  std::string lower = node.Scalar();
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return kWords.count(lower) > 0;
}

/// Sets one value; each overload returns whether the node has its type.
struct NodeReader::Setter {
  const YAML::Node& node;

  bool operator()(bool* value) const {
    if (!is_plain_scalar(node)) return false;
    const std::string& text = node.Scalar();
    if (text != "true" && text != "false") return false;
    *value = text == "true";
    return true;
  }
  bool operator()(int64_t* value) const { return assign(value, parse_whole_number(node)); }
  bool operator()(double* value) const { return assign(value, finite(parse_number(node))); }
  bool operator()(std::string* value) const {
    if (!node.IsScalar()) return false;
    *value = node.Scalar();
    return true;
  }
  template <class T>
  bool operator()(std::vector<T>* values) const {
    if (!node.IsSequence()) return false;
    std::vector<T> read;
    for (const YAML::Node& item : node) {
      if (!Setter{item}(&read.emplace_back())) return false;
    }
    *values = std::move(read);
    return true;
  }
  template <class T>
  bool operator()(const OptionalTarget<T>& target) const {
    if (node.IsNull() || (is_plain_scalar(node) && node.Scalar() == target.unset_word)) {
      target.value->reset();
      return true;
    }
    T value{};
    if (!(*this)(&value)) return false;
    *target.value = value;
    return true;
  }
  template <class T>
  bool operator()(OneOrMany<T>* target) const {
    std::vector<T> values;
    for (const YAML::Node& item : items()) {
      T value(0);
      if (!Setter{item}(&value)) return false;
      values.push_back(std::move(value));
    }
    if (values.empty()) return false;
    *target = OneOrMany<T>(std::move(values));
    return true;
  }
  bool operator()(const EnumTarget& target) const {
    const std::optional<size_t> index = index_of(target.names);
    if (index) target.set(*index);
    return index.has_value();
  }
  bool operator()(const EnumListTarget& target) const {
    std::vector<size_t> indices;
    for (const YAML::Node& item : items()) {
      const std::optional<size_t> index = Setter{item}.index_of(target.names);
      if (!index) return false;
      indices.push_back(*index);
    }
    if (indices.empty()) return false;
    target.set(indices);
    return true;
  }
  bool operator()(const FieldList&) const { return false; }  // read_value() handles sections

 private:
  /// The items of a list; a single value is a list of itself.
  std::vector<YAML::Node> items() const {
    if (!node.IsSequence()) return {node};
    return {node.begin(), node.end()};
  }
  std::optional<size_t> index_of(std::span<const std::string_view> names) const {
    if (!node.IsScalar()) return std::nullopt;
    const auto found = std::find(names.begin(), names.end(), node.Scalar());
    if (found == names.end()) return std::nullopt;
    return static_cast<size_t>(found - names.begin());
  }
  template <class T>
  static bool assign(T* value, const std::optional<T>& parsed) {
    if (parsed) *value = *parsed;
    return parsed.has_value();
  }
  static std::optional<double> finite(std::optional<double> value) {
    return value && std::isfinite(*value) ? value : std::nullopt;
  }

 public:
  explicit Setter(const YAML::Node& source) : node(source) {}
};

bool is_name(std::span<const std::string_view> names, const std::string& word) {
  return std::find(names.begin(), names.end(), word) != names.end();
}

/// The names that an enum field accepts; empty for other fields.
std::vector<std::string> names_of(const FieldTarget& target) {
  std::span<const std::string_view> names;
  if (const auto* one = std::get_if<EnumTarget>(&target)) names = one->names;
  if (const auto* many = std::get_if<EnumListTarget>(&target)) names = many->names;
  return {names.begin(), names.end()};
}

/// The part of a value that a message should show: in a list the first item of the wrong type.
YAML::Node culprit(const FieldTarget& target, const YAML::Node& node) {
  if (!node.IsSequence()) return node;
  const bool numbers = std::holds_alternative<std::vector<double>*>(target);
  const bool texts = std::holds_alternative<std::vector<std::string>*>(target);
  const bool nested = std::holds_alternative<NestedNumbers*>(target);
  const auto* enums = std::get_if<EnumListTarget>(&target);
  for (const YAML::Node& item : node) {
    if (numbers && (!parse_number(item) || is_non_finite(item))) return item;
    if (texts && !item.IsScalar()) return item;
    if (nested && item.IsSequence() && item.size() > 0) {
      const YAML::Node inner = culprit(target, item);
      if (!inner.is(item)) return inner;
    } else if (nested && !parse_whole_number(item)) {
      return item;
    }
    if (enums && !(item.IsScalar() && is_name(enums->names, item.Scalar()))) return item;
  }
  return node;
}

std::string fix_for(const FieldTarget& target, const YAML::Node& node, const std::string& key) {
  if (const auto names = names_of(target); !names.empty() && node.IsScalar()) {
    const std::string nearest = nearest_name(node.Scalar(), names);
    if (!nearest.empty()) return "did you mean " + nearest + "?";
  }
  if (is_non_finite(node)) return "give a finite number";
  const bool takes_list = std::holds_alternative<std::vector<std::string>*>(target) ||
                          std::holds_alternative<std::vector<double>*>(target);
  if (takes_list && node.IsScalar()) return "write [" + node.Scalar() + "]";
  if (node.IsScalar() && node.Tag() == "!") {
    const std::string& text = node.Scalar();
    const bool word = text == "true" || text == "false";
    if (word || parse_number(YAML::Node(text))) return "remove the quotes";
  }
  return "give " + key + " as " + type_of(target) + ", e.g. " + yaml_of(target);
}

void NodeReader::read_value(const Field& field, const YAML::Node& node, const std::string& key) {
  if (const auto* section = std::get_if<FieldList>(&field.target)) {
    if (node.IsNull()) return;  // "evaluation:" with every key commented out keeps all defaults
    if (!node.IsMap()) {
      fail_usage(place(node.Mark()), key + " is a section of keys, found " + show(node),
                 "indent the keys of " + key + " under it, e.g. " + section->front().name + ": " +
                     yaml_of(section->front().target));
    }
    read_section(*section, node, key + ".");
    return;
  }
  if (std::visit(Setter{node}, field.target)) return;
  const YAML::Node wrong = culprit(field.target, node);
  const std::string expected = names_of(field.target).empty() ? "" : "one of ";
  fail_usage(place(wrong.Mark()),
             key + " takes " + expected + type_of(field.target) + ", found " + show(wrong),
             fix_for(field.target, wrong, key));
}

void NodeReader::fail_unknown(const YAML::Mark& mark, const std::string& key,
                              const FieldList& fields, const std::string& prefix) const {
  std::vector<std::string> names;
  for (const Field& field : fields) names.push_back(field.name);
  const std::string nearest = nearest_name(key, names);
  const std::string program = prefix.empty() ? program_of_section(key) : "";
  std::string fix;
  if (!program.empty()) {
    fix = "a configuration with this section is for " + program;
  } else if (!nearest.empty()) {
    fix = "did you mean " + prefix + nearest + "?";
  } else {
    fix = "known keys here:";
    for (const std::string& name : names) fix += " " + name;
  }
  fail_usage(place(mark), "unknown key " + prefix + key, fix);
}

void NodeReader::read_section(const FieldList& fields, const YAML::Node& node,
                              const std::string& prefix) {
  std::set<std::string> seen;
  for (const auto& entry : node) {
    if (!entry.first.IsScalar()) {
      fail_usage(place(entry.first.Mark()), "a key has to be a word, found " + show(entry.first),
                 "write KEY: VALUE");
    }
    const std::string& name = entry.first.Scalar();
    const auto field = std::find_if(fields.begin(), fields.end(),
                                    [&](const Field& known) { return known.name == name; });
    if (field == fields.end()) fail_unknown(entry.first.Mark(), name, fields, prefix);
    if (!seen.insert(name).second) {
      fail_usage(place(entry.first.Mark()), prefix + name + " is given twice",
                 "remove one of the two lines");
    }
    read_value(*field, entry.second, prefix + name);
  }
}

[[noreturn]] void fail_syntax(const NodeReader& reader, const YAML::Exception& error) {
  fail_usage(reader.place(error.mark), "this is not valid YAML: " + error.msg,
             "check indentation (blanks, no tabs), colons, quotes and brackets near there");
}

void read_document(const FieldList& fields, std::string_view text, const std::string& source,
                   NodeReader reader) {
  const std::string copy(text);
  reader.check_shape(copy);
  try {
    const YAML::Node document = YAML::Load(copy);  // the only one: check_shape() has run
    if (document.IsNull()) {
      fail_usage(source, "holds no settings",
                 "write at least one section, e.g. " + fields.front().name +
                     ": (see docs/configuration.md)");
    }
    if (!document.IsMap()) {
      fail_usage(reader.place(document.Mark()),
                 "expected sections of keys, found " + show(document),
                 "write SECTION: and its keys below, indented (see docs/configuration.md)");
    }
    reader.read_section(fields, document, "");
  } catch (const YAML::Exception& error) {
    fail_syntax(reader, error);
  }
}

}  // namespace

void read_yaml(const FieldList& fields, std::string_view text, const std::string& source) {
  read_document(fields, text, source, NodeReader(source, true));
}

void read_yaml_fragment(const FieldList& fields, std::string_view text, const std::string& source) {
  read_document(fields, text, source, NodeReader(source, false));
}

namespace {

/// Whether `path` ("attention.type") leads to a field.
bool has_key(const FieldList& fields, const std::string& path) {
  const size_t dot = path.find('.');
  const auto field = std::find_if(fields.begin(), fields.end(), [&](const Field& known) {
    return known.name == path.substr(0, dot);
  });
  if (field == fields.end()) return false;
  if (dot == std::string::npos) return true;
  const auto* section = std::get_if<FieldList>(&field->target);
  return section != nullptr && has_key(*section, path.substr(dot + 1));
}

}  // namespace

std::string whole_key(const FieldList& fields, const std::string& key) {
  if (has_key(fields, key)) return key;
  for (const std::string section : {"model.", "attention.", "model.attention."}) {
    if (has_key(fields, section + key)) return section + key;
  }
  return key;
}

void apply_override(const FieldList& fields, const std::string& assignment) {
  NodeReader reader("--set " + assignment, false);
  const YAML::Mark nowhere = YAML::Mark::null_mark();
  const size_t equals = assignment.find('=');
  if (equals == std::string::npos || equals == 0) {
    fail_usage("--set " + assignment, "has to look like section.key=value",
               "e.g. --set training.max_steps=100");
  }
  const std::string path = whole_key(fields, assignment.substr(0, equals));
  const FieldList* level = &fields;
  std::string prefix;
  for (size_t begin = 0;;) {
    const size_t dot = path.find('.', begin);
    const std::string name = path.substr(begin, dot - begin);
    const auto field = std::find_if(level->begin(), level->end(),
                                    [&](const Field& known) { return known.name == name; });
    if (field == level->end()) reader.fail_unknown(nowhere, name, *level, prefix);
    if (dot == std::string::npos) {
      const std::string value = assignment.substr(equals + 1);
      reader.check_shape(value);
      try {
        reader.read_value(*field, YAML::Load(value), path);
      } catch (const YAML::Exception& error) {
        fail_syntax(reader, error);
      }
      return;
    }
    level = std::get_if<FieldList>(&field->target);
    prefix += name + ".";
    if (level == nullptr) {
      fail_usage("--set " + assignment, prefix.substr(0, prefix.size() - 1) + " has no keys below",
                 "write --set " + prefix.substr(0, prefix.size() - 1) + "=VALUE");
    }
    begin = dot + 1;
  }
}

std::string read_config_text(const std::string& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) {
    fail_usage(path, "there is no such configuration file",
               "check the path, which begins at the current folder unless it begins with /; "
               "configs/ holds examples");
  }
  if (!std::filesystem::is_regular_file(status)) {
    fail_usage(path, "is not a regular file", "give a YAML file");
  }
  std::string text = read_text_file(path);
  if (text.find('\0') != std::string::npos) {
    fail_usage(path, "is a binary file", "give a YAML file, which is plain text");
  }
  return text;
}

}  // namespace linformer
