#pragma once

#include <string>

#include "linformer/config/fields.h"

namespace linformer {

/// The whole key for one that leaves out "model." or "model.attention."; any other key as it is.
/// apply_override() takes both.
std::string whole_key(const FieldList& fields, const std::string& key);

/// An argument of --set for a text, quoted as in YAML, so that any name comes through.
std::string quoted_assignment(const std::string& key, const std::string& value);

/// Records that the user writes `key` as an option: "run.dir" as "--output". Messages then say
/// --output. For one thread, before the work begins.
void name_setting(const std::string& key, const std::string& option);

/// What messages call a key: the option that the user writes for it, otherwise the key.
std::string setting_name(const std::string& key);

}  // namespace linformer
