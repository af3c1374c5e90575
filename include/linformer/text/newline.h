#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace linformer {

/// What ends the lines of a text.
enum class Newline {
  kLf,  ///< LF; CR before it is no part of the line, CR elsewhere is text
  kCr,  ///< CR, as Macs once wrote; LF and CR LF end lines as well
};

/// Whether quotation marks enclose text that may hold line ends.
enum class Quoting { kNone, kCsv };

/// So much of a text's beginning says which line ends it has.
inline constexpr size_t kNewlineSample = size_t{1} << 16;

/// kCr if there are more CRs without LF behind them than LFs. Between the quotation marks of CSV
/// nothing counts: spreadsheets of old Macs ended rows with CR, and lines within a cell with LF.
Newline newline_of(std::string_view beginning, Quoting quoting = Quoting::kNone);

/// A line at the front of a text.
struct LineAtFront {
  size_t length = 0;  ///< without its end
  size_t next = 0;    ///< where the next one begins
};

/// The line at the front of `text`, from `searched` on, which is set to where to go on once there
/// is more. Nothing if its end has not come yet; where the stream is `at_end`, the rest is a line.
std::optional<LineAtFront> line_at_front(std::string_view text, Newline newline, bool at_end,
                                         size_t& searched);

}  // namespace linformer
