#include <sstream>

#include "scalar.h"

#include "linformer/config/config_file.h"

namespace linformer {
namespace {

void write_fields(const FieldList& fields, DumpStyle style, const std::string& indent,
                  std::string& text) {
  for (const Field& field : fields) {
    if (style == DumpStyle::kCommented) text.append(indent).append("# " + field.help).append("\n");
    text += indent + field.name + ":";
    if (const auto* section = std::get_if<FieldList>(&field.target)) {
      text += "\n";
      write_fields(*section, style, indent + "  ", text);
    } else {
      text.append(" ").append(yaml_of(field.target)).append("\n");
    }
  }
}

void describe(const FieldList& fields, const std::string& prefix, std::string& text) {
  for (const Field& field : fields) {
    if (const auto* section = std::get_if<FieldList>(&field.target)) {
      text += prefix + field.name + ": " + field.help + "\n";
      describe(*section, prefix + field.name + ".", text);
    } else {
      text += "  " + prefix + field.name + " = " + yaml_of(field.target) + "  (" +
              type_of(field.target, field.range) + ")\n      " + field.help + "\n";
    }
  }
}

void list_settings(const FieldList& fields, const std::string& prefix, std::string& text) {
  for (const Field& field : fields) {
    if (const auto* section = std::get_if<FieldList>(&field.target)) {
      list_settings(*section, prefix + field.name + ".", text);
    } else {
      text += prefix + field.name + ": " + yaml_of(field.target) + "\n";
    }
  }
}

}  // namespace

std::string settings_text(const FieldList& fields) {
  std::string text;
  list_settings(fields, "", text);
  return text;
}

std::optional<ChangedSetting> first_changed_setting(const std::string& text,
                                                    const std::string& other) {
  std::istringstream here(text), there(other);
  std::string a, b;
  while (true) {
    const bool more = static_cast<bool>(std::getline(here, a));
    const bool others = static_cast<bool>(std::getline(there, b));
    if (!more && !others) return std::nullopt;
    if (more && others && a == b) continue;
    const auto key_end = [](const std::string& line) { return line.find(": "); };
    const std::string& named = more ? a : b;
    const auto value_of = [&](bool exists, const std::string& line) {
      return exists && key_end(line) != std::string::npos ? line.substr(key_end(line) + 2)
                                                          : std::string("nothing");
    };
    return ChangedSetting{named.substr(0, key_end(named)), value_of(more, a), value_of(others, b)};
  }
}

std::string first_difference(const FieldList& a, const FieldList& b) {
  for (size_t i = 0; i < a.size(); ++i) {
    if (const auto* section = std::get_if<FieldList>(&a[i].target)) {
      const std::string inner = first_difference(*section, std::get<FieldList>(b[i].target));
      if (!inner.empty()) return a[i].name + "." + inner;
    } else if (const std::string here = yaml_of(a[i].target), there = yaml_of(b[i].target);
               here != there) {
      return a[i].name + ": " + here + " instead of " + there;
    }
  }
  return "";
}

std::string write_yaml(const FieldList& fields, DumpStyle style) {
  std::string text;
  write_fields(fields, style, "", text);
  return text;
}

std::string describe_fields(const FieldList& fields) {
  std::string text;
  describe(fields, "", text);
  return text;
}

}  // namespace linformer
