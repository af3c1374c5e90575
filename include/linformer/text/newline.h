#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace linformer {

/// How the lines of a text end.
enum class Newline {
  kLf,  ///< LF; a CR before it is not part of the line, a CR elsewhere is text
  kCr,  ///< CR, as on old Macs; LF and CR LF end lines as well
};

/// Whether quotation marks enclose text that may hold line ends.
enum class Quoting { kNone, kCsv };

/// The number of bytes of a text's beginning that decide how its lines end.
inline constexpr size_t kNewlineSample = size_t{1} << 16;

/// kCr if there are more CRs without a following LF than LFs. Line ends between the quotation marks
/// of CSV do not count: spreadsheets on old Macs ended rows with CR, and lines within a cell with
/// LF.
Newline newline_of(std::string_view beginning, Quoting quoting = Quoting::kNone);

/// The first line of a text.
struct LineAtFront {
  size_t length = 0;  ///< without its end
  size_t next = 0;    ///< where the next one begins
};

/// The first line of `text`. The search begins at `searched`, which is set to the position where it
/// has to continue once more text is there. Nothing if the line's end has not come yet; if the
/// stream is `at_end`, the rest is a line.
std::optional<LineAtFront> line_at_front(std::string_view text, Newline newline, bool at_end,
                                         size_t& searched);

}  // namespace linformer
