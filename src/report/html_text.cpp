#include "linformer/report/html_text.h"

#include <cstdint>

#include "linformer/core/utf8.h"

namespace linformer {

namespace {

/// Not a control character (C0, DEL, C1) and no noncharacter of Unicode.
bool is_printable(uint32_t point) {
  if (point == '\t' || point == '\n') return true;
  const bool control = point < 0x20 || (point >= 0x7F && point < 0xA0);
  const bool noncharacter = (point >= 0xFDD0 && point <= 0xFDEF) || (point & 0xFFFE) == 0xFFFE;
  return !control && !noncharacter;
}

}  // namespace

std::string printable_text(std::string_view text) {
  std::string repaired, printable;
  append_repaired_utf8(text, repaired);
  for (std::string_view rest = repaired; !rest.empty();) {
    const size_t length = utf8_character_length(rest);
    if (rest.front() == '\r') {
      printable += ' ';
    } else if (is_printable(utf8_code_point(rest))) {
      printable += rest.substr(0, length);
    } else {
      printable += "\uFFFD";
    }
    rest.remove_prefix(length);
  }
  return printable;
}

std::string html_escape(std::string_view text) {
  std::string escaped;
  for (const char letter : printable_text(text)) {
    switch (letter) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += letter;
    }
  }
  return escaped;
}

}  // namespace linformer
