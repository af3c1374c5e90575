#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "linformer/config/fields.h"

namespace linformer {

/// Sets `fields` from YAML text. `source` (a file name) goes into error messages. Throws
/// UsageError with file, line and column for: text that is not YAML or not a mapping, empty text,
/// unknown keys (with the nearest known one), keys given twice, values of the wrong type, numbers
/// that are not finite.
void read_yaml(const FieldList& fields, std::string_view text, const std::string& source);

/// read_yaml() for text that a program took out of another file. Messages name `source` only, since
/// lines and columns of the excerpt would mislead.
void read_yaml_fragment(const FieldList& fields, std::string_view text, const std::string& source);

/// Sets one field from "a.b=VALUE", the argument of --set; VALUE in YAML ("3", "[a, b]").
/// Throws UsageError for the same reasons.
void apply_override(const FieldList& fields, const std::string& assignment);

/// The text of a configuration file; throws UsageError if it is missing, a folder, or not text.
std::string read_config_text(const std::string& path);

enum class DumpStyle { kPlain, kCommented };

/// YAML with every field written out; numbers have as many digits as reading them back needs.
std::string write_yaml(const FieldList& fields, DumpStyle style);

/// Throws UsageError for the first field outside its range; keys begin with `prefix` ("model.").
void check_ranges(const FieldList& fields, const std::string& prefix);

/// A paragraph for each field: full name, type, range, default (the present value) and help.
std::string describe_fields(const FieldList& fields);

/// The first field in which two lists of one struct differ, e.g. "attention.sharing: none instead
/// of headwise" if `a` has none; "" if they are equal.
std::string first_difference(const FieldList& a, const FieldList& b);

/// A line "a.b: VALUE" for each field, for comparisons.
std::string settings_text(const FieldList& fields);

/// A line of settings_text() that differs.
struct ChangedSetting {
  std::string key, value, other;
};
/// The first line in which `text` differs from `other`; nothing if they are equal.
std::optional<ChangedSetting> first_changed_setting(const std::string& text,
                                                    const std::string& other);

/// A config struct from a YAML file (no file if `path` is empty) and `--set` arguments. Later
/// values win. The result is validated with C::validate() if C has that method.
template <class C>
C load_config(const std::string& path, const std::vector<std::string>& overrides = {}) {
  C config;
  const FieldList fields = fields_of(config);
  if (!path.empty()) read_yaml(fields, read_config_text(path), path);
  for (const std::string& assignment : overrides) apply_override(fields, assignment);
  if constexpr (requires { config.validate(); }) config.validate();
  return config;
}

/// The resolved configuration: load_config() of it gives `config` again, exactly.
template <class C>
std::string dump_yaml(const C& config, DumpStyle style = DumpStyle::kPlain) {
  C copy = config;
  return write_yaml(fields_of(copy), style);
}

/// Help on every key of C, for `--help-config`.
template <class C>
std::string config_help() {
  C defaults;
  return describe_fields(fields_of(defaults));
}

}  // namespace linformer
