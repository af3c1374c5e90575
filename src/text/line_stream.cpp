#include "linformer/text/line_stream.h"

#include <algorithm>

#include <sys/stat.h>

#include "linformer/core/utf8.h"

namespace linformer {

namespace {

constexpr size_t kReadBytes = size_t{1} << 16;

bool is_regular_file(const std::string& path) {
  struct stat status {};
  return path != "-" && ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

}  // namespace

LineStream::LineStream(std::vector<std::string> inputs, size_t max_line_bytes)
    : inputs_(without_system_files(std::move(inputs))), max_line_bytes_(max_line_bytes) {
  for (const std::string& path : inputs_) check_input(path);
}

bool LineStream::open_next() {
  if (next_input_ == inputs_.size()) return false;
  const std::string& path = inputs_[next_input_++];
  name_ = input_name(path);
  source_ = open_byte_source(path);
  newline_.reset();
  at_end_ = false;
  number_ = 0;
  return true;
}

void LineStream::close() {
  consumed_before_ = consumed_bytes();
  source_.reset();
}

/// Whether a complete line is buffered. At the end of the input, a line without its end counts too.
bool LineStream::has_line() {
  const std::string_view rest = std::string_view(buffer_).substr(begin_);
  if (!newline_) {
    // In a pipe, the text up to the first LF decides how lines end, so that the line can be
    // answered.
    const bool enough = at_end_ || rest.size() > std::min(kNewlineSample, max_line_bytes_) ||
                        rest.find('\n', searched_) != rest.npos;
    searched_ = enough ? 0 : rest.size();
    if (!enough) return false;
    newline_ = newline_of(rest.substr(0, kNewlineSample));
  }
  if (!found_) found_ = line_at_front(rest, *newline_, at_end_, searched_);
  return found_ || (at_end_ && passing_over_);
}

/// Reads more of the input, or records its end.
void LineStream::fill() {
  if (searched_ > max_line_bytes_) {
    passing_over_ = true;
    begin_ += searched_;
    searched_ = 0;
  }
  buffer_.erase(0, begin_);
  begin_ = 0;
  const size_t size = buffer_.size();
  buffer_.resize(size + kReadBytes);
  const size_t count = source_->read(buffer_.data() + size, kReadBytes);
  buffer_.resize(size + count);
  at_end_ = count == 0;
}

bool LineStream::ready() {
  while (source_) {
    if (has_line()) return true;
    if (at_end_) {
      close();
    } else if (source_->ready()) {
      fill();
    } else {
      return false;
    }
  }
  return next_input_ == inputs_.size() || is_regular_file(inputs_[next_input_]);
}

std::optional<InputLine> LineStream::next() {
  while (source_ || open_next()) {
    while (!has_line() && !at_end_) fill();
    if (!has_line()) {
      close();
      continue;
    }
    const LineAtFront found = found_.value_or(LineAtFront{});
    InputLine line{buffer_.substr(begin_, found.length), ++number_, false};
    if (number_ == 1 && line.text.starts_with(kByteOrderMark)) {
      line.text.erase(0, kByteOrderMark.size());
    }
    line.too_long = passing_over_ || line.text.size() > max_line_bytes_;
    if (line.too_long) line.text.clear();
    begin_ += found.next;
    searched_ = 0;
    found_.reset();
    passing_over_ = false;
    return line;
  }
  return std::nullopt;
}

}  // namespace linformer
