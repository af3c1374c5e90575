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
              type_of(field.target) + ")\n      " + field.help + "\n";
    }
  }
}

}  // namespace

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
