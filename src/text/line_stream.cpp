#include "linformer/text/line_stream.h"

#include <algorithm>

#include <sys/stat.h>

#include "linformer/text/utf8.h"

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
  at_end_ = false;
  number_ = 0;
  return true;
}

/// Whether a whole line is buffered; at the end of the input also one without LF.
bool LineStream::has_line() {
  const size_t found = buffer_.find('\n', searched_);
  searched_ = found == buffer_.npos ? buffer_.size() : found;
  return found != buffer_.npos || (at_end_ && (searched_ > begin_ || passing_over_));
}

/// Reads more of the input, or notes its end.
void LineStream::fill() {
  if (buffer_.size() - begin_ > max_line_bytes_) {
    passing_over_ = true;
    begin_ = buffer_.size();
  }
  buffer_.erase(0, begin_);
  searched_ = buffer_.size();
  begin_ = 0;
  buffer_.resize(searched_ + kReadBytes);
  const size_t count = source_->read(buffer_.data() + searched_, kReadBytes);
  buffer_.resize(searched_ + count);
  at_end_ = count == 0;
}

bool LineStream::ready() {
  while (source_) {
    if (has_line()) return true;
    if (at_end_) {
      source_.reset();
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
      source_.reset();
      continue;
    }
    InputLine line{buffer_.substr(begin_, searched_ - begin_), ++number_, false};
    if (line.text.ends_with('\r')) line.text.pop_back();
    if (number_ == 1 && line.text.starts_with(kByteOrderMark)) {
      line.text.erase(0, kByteOrderMark.size());
    }
    line.too_long = passing_over_ || line.text.size() > max_line_bytes_;
    if (line.too_long) line.text.clear();
    begin_ = searched_ = std::min(searched_ + 1, buffer_.size());
    passing_over_ = false;
    return line;
  }
  return std::nullopt;
}

}  // namespace linformer
