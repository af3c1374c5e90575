#include "byte_alphabet.h"

#include "linformer/core/utf8.h"

namespace linformer {
namespace {

constexpr uint32_t kNumStandIns = 68;  // U+0100 to U+0143

bool is_printable(uint32_t byte) {
  return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
}

/// All of them are below U+0800, so they have one or two bytes.
std::string utf8_of(uint32_t c) {
  if (c < 0x80) return {static_cast<char>(c)};
  return {static_cast<char>(0xC0 | c >> 6), static_cast<char>(0x80 | (c & 0x3F))};
}

/// The byte that U+0100 + i represents.
const std::array<uint8_t, kNumStandIns>& unprintable_bytes() {
  static const std::array<uint8_t, kNumStandIns> bytes = [] {
    std::array<uint8_t, kNumStandIns> all{};
    size_t next = 0;
    for (uint32_t byte = 0; byte < 256; ++byte) {
      if (!is_printable(byte)) all.at(next++) = static_cast<uint8_t>(byte);
    }
    return all;
  }();
  return bytes;
}

}  // namespace

const std::array<std::string, 256>& byte_alphabet() {
  static const std::array<std::string, 256> alphabet = [] {
    std::array<std::string, 256> all;
    for (uint32_t byte = 0; byte < 256; ++byte) all[byte] = utf8_of(byte);
    for (uint32_t i = 0; i < kNumStandIns; ++i) all[unprintable_bytes()[i]] = utf8_of(0x100 + i);
    return all;
  }();
  return alphabet;
}

std::optional<std::string> bytes_written_as(std::string_view written) {
  std::string bytes;
  while (!written.empty()) {
    const size_t length = utf8_character_length(written);
    if (length == 0) return std::nullopt;
    const uint32_t c = utf8_code_point(written);
    if (c < 0x100 && is_printable(c)) {
      bytes += static_cast<char>(c);
    } else if (c >= 0x100 && c < 0x100 + kNumStandIns) {
      bytes += static_cast<char>(unprintable_bytes()[c - 0x100]);
    } else {
      return std::nullopt;
    }
    written.remove_prefix(length);
  }
  return bytes;
}

}  // namespace linformer
