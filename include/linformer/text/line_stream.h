#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "linformer/text/byte_source.h"
#include "linformer/text/newline.h"

namespace linformer {

/// A line as it stands in its input.
struct InputLine {
  /// Without its end (newline_of()) and the input's byte-order mark; any bytes.
  std::string text;
  uint64_t number = 0;    ///< in its input, from 1
  bool too_long = false;  ///< longer than the bound: `text` is empty, the rest was passed over
};

/// The lines of files, one file after the other, for work that answers each line: says whether
/// another line can be had without waiting, so that what was typed is answered before more comes.
class LineStream {
 public:
  static constexpr size_t kMaxLineBytes = size_t{16} << 20;

  /// Files (plain, zstd, gzip), "-" for standard input. Those that operating systems leave in
  /// folders are left out. Throws RunError, before anything is read,
  /// if one of them is missing, unreadable, empty or a folder.
  explicit LineStream(std::vector<std::string> inputs, size_t max_line_bytes = kMaxLineBytes);

  /// The next line; waits for it. Nothing at the end of the last input. Throws RunError where an
  /// input cannot be read, or a signal comes while waiting.
  std::optional<InputLine> next();

  /// Whether next() would return at once. False at the end of an input that something which may
  /// have to wait follows. A compressed pipe may hold a line back until more comes.
  bool ready();

  /// The input of the last line, as messages name it.
  const std::string& input() const { return name_; }

 private:
  bool has_line();
  void fill();
  bool open_next();

  std::vector<std::string> inputs_;
  size_t max_line_bytes_;
  size_t next_input_ = 0;
  std::string name_;
  std::unique_ptr<ByteSource> source_;
  std::string buffer_;
  size_t begin_ = 0;                  // of the next line in buffer_
  size_t searched_ = 0;               // from begin_ on, so many bytes hold no line end
  std::optional<Newline> newline_;    // of the input, once enough of it is there
  std::optional<LineAtFront> found_;  // of buffer_ from begin_ on
  bool at_end_ = false;               // of the input
  bool passing_over_ = false;
  uint64_t number_ = 0;
};

}  // namespace linformer
