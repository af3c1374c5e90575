#include "linformer/text/newline.h"

namespace linformer {

Newline newline_of(std::string_view beginning, Quoting quoting) {
  size_t num_lf = 0;
  size_t num_cr = 0;
  size_t run = 0;  // CRs that may be followed by LF
  bool inside = false;
  for (const char c : beginning) {
    if (quoting == Quoting::kCsv && c == '"') inside = !inside;
    if (inside) continue;
    if (c == '\r') {
      ++run;
      continue;
    }
    if (c == '\n') {
      ++num_lf;
    } else {
      num_cr += run;
    }
    run = 0;
  }
  return num_cr + run > num_lf ? Newline::kCr : Newline::kLf;
}

std::optional<LineAtFront> line_at_front(std::string_view text, Newline newline, bool at_end,
                                         size_t& searched) {
  const size_t found =
      newline == Newline::kLf ? text.find('\n', searched) : text.find_first_of("\r\n", searched);
  if (found == text.npos) {
    searched = text.size();
    if (!at_end || text.empty()) return std::nullopt;
    return LineAtFront{text.size() - (text.ends_with('\r') ? 1 : 0), text.size()};
  }
  searched = found;
  if (text[found] == '\r') {
    const std::string_view behind = text.substr(found + 1);
    if (behind.empty() && !at_end) return std::nullopt;  // LF may follow
    return LineAtFront{found, found + 1 + (behind.starts_with('\n') ? 1 : 0)};
  }
  return LineAtFront{found - (found > 0 && text[found - 1] == '\r' ? 1 : 0), found + 1};
}

}  // namespace linformer
