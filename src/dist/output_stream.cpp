#include "output_stream.h"

#include <array>
#include <cerrno>

#include <unistd.h>

namespace linformer {

void OutputStream::pump() {
  std::array<char, 65536> buffer{};
  while (open()) {
    const ssize_t count = ::read(descriptor_, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) {
      close();
      return;
    }
    text_.append(buffer.data(), static_cast<size_t>(count));
    pass_on_lines();
  }
}

void OutputStream::close() {
  if (!open()) return;
  ::close(descriptor_);
  descriptor_ = -1;
  if (!text_.empty()) text_ += prefix_.empty() ? "" : "\n";
  pass_on_lines();
}

bool OutputStream::is_repeated(const std::string& line) {
  if (seen_ == nullptr) return false;
  if (line.starts_with("  ")) return hides_;  // "  fix: ...", of the message above
  const bool is_error =
      line.starts_with("linformer-") && line.find(": error: ") != std::string::npos;
  hides_ = is_error && seen_->emplace(line, this).first->second != this;
  return hides_;
}

void OutputStream::pass_on_lines() {
  size_t begin = 0;
  if (prefix_.empty()) {
    std::fwrite(text_.data(), 1, text_.size(), target_);
    begin = text_.size();
  }
  for (size_t end; begin < text_.size(); begin = end + 1) {
    end = text_.find('\n', begin);
    if (end == std::string::npos) break;
    const std::string line = text_.substr(begin, end - begin + 1);
    if (is_repeated(line)) continue;
    const std::string whole = prefix_ + line;
    std::fwrite(whole.data(), 1, whole.size(), target_);
  }
  text_.erase(0, begin);
  std::fflush(target_);
}

}  // namespace linformer
