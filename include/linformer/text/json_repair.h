#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace linformer {

/// Appends JSON to `out` and repairs what programs write although JSON forbids it. Malformed UTF-8
/// and halves of surrogate pairs in escapes ("\ud83d" alone, from text cut inside an emoji) become
/// U+FFFD. NaN, Infinity and -Infinity outside of strings (Python's json) become null. Returns how
/// many characters became U+FFFD. Valid JSON stays as it is.
size_t append_repaired_json(std::string_view json, std::string& out);

}  // namespace linformer
