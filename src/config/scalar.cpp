#include "scalar.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdio>

namespace linformer {
namespace {

/// Shortest text that reads back as the same (finite) number.
std::string yaml_of_number(double value) {
  std::array<char, 64> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  std::string text(buffer.data(), end);
  // Many YAML readers take 1e-05 for text, so a number gets a decimal point.
  if (text.find('.') == std::string::npos) text.insert(std::min(text.find('e'), text.size()), ".0");
  return text;
}

/// Whether every YAML reader takes this plain scalar for text; other text is quoted.
bool is_plain(const std::string& text) {
  static constexpr std::array<std::string_view, 13> kWords{
      "true", "false", "yes", "no", "on", "off", "y", "n", "null", ".inf", ".nan", ".", ".."};
  if (text.empty()) return false;
  const auto first = static_cast<unsigned char>(text.front());
  if (!std::isalpha(first) && text.front() != '/' && text.front() != '.' && text.front() != '_') {
    return false;
  }
  bool has_letter = false;
  std::string lower;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool letter = byte < 0x80 && std::isalpha(byte);
    has_letter = has_letter || letter;
    if (!letter && !std::isdigit(byte) && c != '_' && c != '.' && c != '/' && c != '-') {
      return false;
    }
    lower += static_cast<char>(std::tolower(byte));
  }
  return has_letter && std::find(kWords.begin(), kWords.end(), lower) == kWords.end();
}

std::string yaml_of_text(const std::string& text) {
  if (is_plain(text)) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      std::array<char, 8> escape;
      std::snprintf(escape.data(), escape.size(), "\\x%02x", byte);
      quoted += escape.data();
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

template <class T, class Write>
std::string yaml_of_list(const std::vector<T>& values, Write&& write) {
  std::string text = "[";
  for (size_t i = 0; i < values.size(); ++i) text += (i == 0 ? "" : ", ") + write(values[i]);
  return text + "]";
}

struct ValueWriter {
  std::string operator()(const bool* value) const { return *value ? "true" : "false"; }
  std::string operator()(const int64_t* value) const { return std::to_string(*value); }
  std::string operator()(const double* value) const { return yaml_of_number(*value); }
  std::string operator()(const std::string* value) const { return yaml_of_text(*value); }
  std::string operator()(const std::vector<std::string>* values) const {
    return yaml_of_list(*values, yaml_of_text);
  }
  std::string operator()(const std::vector<double>* values) const {
    return yaml_of_list(*values, yaml_of_number);
  }
  template <class T>
  std::string operator()(const OptionalTarget<T>& target) const {
    return target.value->has_value() ? (*this)(&**target.value) : target.unset_word;
  }
  template <class T>
  std::string operator()(const OneOrMany<T>* value) const {
    if (!value->is_list()) return (*this)(&value->values().front());
    return yaml_of_list(value->values(), [this](const T& item) { return (*this)(&item); });
  }
  // A list of one list keeps its brackets: without them it would read back as the inner list.
  std::string operator()(const NestedNumbers* value) const {
    const auto& values = value->values();
    if (!value->is_list() && !values.front().is_list()) return (*this)(&values.front());
    return yaml_of_list(values, [this](const OneOrMany<int64_t>& item) { return (*this)(&item); });
  }
  std::string operator()(const EnumTarget& target) const {
    return std::string(target.names[target.get()]);
  }
  std::string operator()(const EnumListTarget& target) const {
    const auto name = [&](size_t index) { return std::string(target.names[index]); };
    const std::vector<size_t> indices = target.get();
    return indices.size() == 1 ? name(indices.front()) : yaml_of_list(indices, name);
  }
  std::string operator()(const FieldList&) const { return "{...}"; }
};

class TypeNamer {
 public:
  explicit TypeNamer(const Range& range) : range_(range_text(range)) {}

  std::string operator()(const bool*) const { return "true or false"; }
  std::string operator()(const int64_t*) const { return "a whole number" + in_range(""); }
  std::string operator()(const double*) const { return "a number" + in_range(""); }
  std::string operator()(const std::string*) const { return "text"; }
  std::string operator()(const std::vector<std::string>*) const { return "a list of text"; }
  std::string operator()(const std::vector<double>*) const {
    return "a list of numbers" + in_range("each ");
  }
  std::string operator()(const OptionalTarget<int64_t>& target) const {
    return or_unset((*this)(static_cast<const int64_t*>(nullptr)), target.unset_word);
  }
  std::string operator()(const OptionalTarget<double>& target) const {
    return or_unset((*this)(static_cast<const double*>(nullptr)), target.unset_word);
  }
  std::string operator()(const NestedNumbers*) const { return "a whole number, or a list of them"; }
  std::string operator()(const EnumTarget& target) const { return join_names(target.names); }
  std::string operator()(const EnumListTarget& target) const {
    return join_names(target.names) + ", or a list of them";
  }
  std::string operator()(const FieldList&) const { return "a section of keys"; }

 private:
  std::string in_range(const std::string& what) const {
    return range_.empty() ? "" : ", " + what + range_;
  }
  std::string or_unset(const std::string& type, const std::string& word) const {
    return type + (range_.empty() ? " or " : ", or ") + word;
  }

  std::string range_;
};

}  // namespace

std::string yaml_of(const FieldTarget& target) {
  return std::visit(ValueWriter{}, target);
}

std::string type_of(const FieldTarget& target, const Range& range) {
  return std::visit(TypeNamer(range), target);
}

std::string join_names(std::span<const std::string_view> names) {
  std::string text;
  for (size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += i + 1 == names.size() ? " or " : ", ";
    text += names[i];
  }
  return text;
}

}  // namespace linformer
