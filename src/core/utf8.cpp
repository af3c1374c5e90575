#include "linformer/core/utf8.h"

#include <algorithm>
#include <cstring>

namespace linformer {

namespace {

/// What the bytes at the front of a text are: `length` bytes that form a character or, if not
/// `valid`, the longest beginning of one (at least one byte).
struct Sequence {
  size_t length;
  bool valid;
};

bool is_continuation(unsigned char byte) {
  return (byte & 0xC0) == 0x80;
}

/// The second byte has narrower bounds after some first bytes (Unicode standard, table 3-7).
bool second_byte_fits(unsigned char first, unsigned char second) {
  switch (first) {
    case 0xE0:
      return second >= 0xA0 && second <= 0xBF;
    case 0xED:
      return second >= 0x80 && second <= 0x9F;
    case 0xF0:
      return second >= 0x90 && second <= 0xBF;
    case 0xF4:
      return second >= 0x80 && second <= 0x8F;
    default:
      return is_continuation(second);
  }
}

Sequence front_sequence(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x80) return {1, true};
  if (first < 0xC2 || first > 0xF4) return {1, false};
  const size_t wanted = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  for (size_t i = 1; i < wanted; ++i) {
    if (i >= text.size()) return {i, false};
    const auto byte = static_cast<unsigned char>(text[i]);
    if (i == 1 ? !second_byte_fits(first, byte) : !is_continuation(byte)) return {i, false};
  }
  return {wanted, true};
}

}  // namespace

size_t utf8_character_length(std::string_view text) {
  const Sequence sequence = front_sequence(text);
  return sequence.valid ? sequence.length : 0;
}

uint32_t utf8_code_point(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<uint8_t>(text[i])); };
  if (byte(0) < 0x80) return byte(0);
  if (byte(0) < 0xE0) return (byte(0) & 0x1F) << 6 | (byte(1) & 0x3F);
  if (byte(0) < 0xF0) return (byte(0) & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F);
  return (byte(0) & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F);
}

size_t valid_utf8_prefix(std::string_view text) {
  size_t position = 0;
  while (position < text.size()) {
    // Most text is ASCII for long stretches: skip eight bytes at a time.
    uint64_t word = 0;
    while (position + sizeof(word) <= text.size()) {
      std::memcpy(&word, text.data() + position, sizeof(word));
      if (word & 0x8080808080808080ULL) break;
      position += sizeof(word);
    }
    if (position == text.size()) break;
    const Sequence sequence = front_sequence(text.substr(position));
    if (!sequence.valid) return position;
    position += sequence.length;
  }
  return position;
}

size_t append_repaired_utf8(std::string_view text, std::string& out) {
  size_t replaced = 0;
  while (true) {
    const size_t valid = valid_utf8_prefix(text);
    out.append(text.substr(0, valid));
    text.remove_prefix(valid);
    if (text.empty()) return replaced;
    out.append("\xEF\xBF\xBD");
    ++replaced;
    text.remove_prefix(front_sequence(text).length);
  }
}

size_t utf8_boundary_before(std::string_view text, size_t position) {
  if (position >= text.size()) return text.size();
  size_t boundary = position;
  // A character has at most three continuation bytes; more of them are malformed anyway.
  for (int i = 0; i < 3 && boundary > 0; ++i) {
    if (!is_continuation(static_cast<unsigned char>(text[boundary]))) return boundary;
    --boundary;
  }
  return is_continuation(static_cast<unsigned char>(text[boundary])) ? position : boundary;
}

size_t length_of_piece(std::string_view text, size_t bound) {
  const std::string_view window = text.substr(0, bound);
  const size_t blank = window.find_last_of(" \t\n");
  if (blank != window.npos && blank > bound / 2) return blank;
  size_t best = 0;
  for (const std::string_view stop : {"\xE3\x80\x82", "\xEF\xBC\x81", "\xEF\xBC\x9F"}) {  // 。！？
    const size_t found = window.rfind(stop);
    if (found != window.npos) best = std::max(best, found + stop.size());
  }
  return best > bound / 2 ? best : std::max<size_t>(utf8_boundary_before(text, bound), 1);
}

}  // namespace linformer
