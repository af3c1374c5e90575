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
