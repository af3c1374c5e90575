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

/// A line of an input.
struct InputLine {
  /// Without its end (newline_of()) and without the input's byte-order mark; any bytes.
  std::string text;
  uint64_t number = 0;    ///< in its input, from 1
  bool too_long = false;  ///< longer than the bound: `text` is empty, the line was skipped
};

/// The lines of files, one file after the other, for programs that answer each line. ready() says
/// whether another line is available without waiting, so that a typed line is answered before more
/// input comes.
class LineStream {
 public:
  static constexpr size_t kMaxLineBytes = size_t{16} << 20;

  /// Files (plain, zstd, gzip), "-" for standard input. Files that operating systems leave in
  /// folders are left out. Throws as check_input() does, before anything is read.
  explicit LineStream(std::vector<std::string> inputs, size_t max_line_bytes = kMaxLineBytes);

  /// The next line; waits for it. Nothing at the end of the last input. Throws RunError if an input
  /// cannot be read, or if a signal comes while waiting.
  std::optional<InputLine> next();

  /// Whether next() would return at once. False at the end of an input if the next input may have
  /// to be waited for. A compressed pipe may hold back a line until more comes.
  bool ready();

  /// Stored bytes of all inputs that were read so far (ByteSource::consumed_bytes()).
  uint64_t consumed_bytes() const {
    return consumed_before_ + (source_ ? source_->consumed_bytes() : 0);
  }

  /// The input of the last line, named as in messages.
  const std::string& input() const { return name_; }

 private:
  bool has_line();
  void fill();
  bool open_next();
  void close();

  std::vector<std::string> inputs_;
  size_t max_line_bytes_;
  size_t next_input_ = 0;
  std::string name_;
  std::unique_ptr<ByteSource> source_;
  uint64_t consumed_before_ = 0;  // of the inputs before source_
  std::string buffer_;
  size_t begin_ = 0;                  // of the next line in buffer_
  size_t searched_ = 0;               // this many bytes from begin_ on hold no line end
  std::optional<Newline> newline_;    // of the input, once enough of it was read
  std::optional<LineAtFront> found_;  // of buffer_ from begin_ on
  bool at_end_ = false;               // of the input
  bool passing_over_ = false;
  uint64_t number_ = 0;
};

}  // namespace linformer
