#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace linformer {

/// GPT-2's printable characters for the 256 bytes, in UTF-8. The bytes 33 to 126, 161 to 172 and
/// 174 to 255 are the character of that number; the others are U+0100 and on, in their order
/// (github.com/openai/gpt-2 src/encoder.py, bytes_to_unicode). A blank is U+0120.
const std::array<std::string, 256>& byte_alphabet();

/// The bytes that `written` represents; nothing if a character represents no byte.
std::optional<std::string> bytes_written_as(std::string_view written);

}  // namespace linformer
