#pragma once

#include <string>

#include "linformer/config/fields.h"

namespace linformer {

/// The value of a field that is not a section, as YAML writes it ("null", "[a, b]", "1e-06").
std::string yaml_of(const FieldTarget& target);

/// The type and range of a field for messages: "a whole number", "linformer or standard", "a
/// number, above 0, or null".
std::string type_of(const FieldTarget& target, const Range& range = {});

/// "a, b or c"
std::string join_names(std::span<const std::string_view> names);

}  // namespace linformer
