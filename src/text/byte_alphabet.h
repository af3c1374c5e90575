#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace linformer {

/// The printable characters in which GPT-2 writes the 256 bytes, in UTF-8: the bytes 33 to 126, 161
/// to 172 and 174 to 255 as the character of that number, the others from U+0100 on in their order
/// (github.com/openai/gpt-2 src/encoder.py, bytes_to_unicode). A blank is U+0120.
const std::array<std::string, 256>& byte_alphabet();

/// The bytes that `written` stands for; nothing if it has a character that stands for none.
std::optional<std::string> bytes_written_as(std::string_view written);

}  // namespace linformer
