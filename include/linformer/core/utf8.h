#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace linformer {

/// Some programs write it at the front of a file; it is not text.
inline constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

/// Length in bytes of the well-formed UTF-8 character at the front of `text` (not empty), or 0 if
/// the front is not well formed (overlong forms, surrogates and values over U+10FFFF included).
size_t utf8_character_length(std::string_view text);

/// Code point of the character at the front of `text`, which has to be well formed.
uint32_t utf8_code_point(std::string_view text);

/// Bytes at the front of `text` that are well formed; equals text.size() if all of it is.
size_t valid_utf8_prefix(std::string_view text);

/// Appends `text` to `out`, each malformed sequence replaced by one U+FFFD (the Unicode standard's
/// "maximal subpart" practice, section 3.9). Returns how many were replaced.
size_t append_repaired_utf8(std::string_view text, std::string& out);

/// Largest position <= `position` that does not cut a character of `text` in two.
size_t utf8_boundary_before(std::string_view text, size_t position);

/// How many bytes, at most `bound`, to take from a text that is longer than `bound`. The cut is at
/// the last white space if that is in the second half, else at the end of a sentence (an
/// ideographic full stop), else between two characters. The result is at least 1.
size_t length_of_piece(std::string_view text, size_t bound);

}  // namespace linformer
