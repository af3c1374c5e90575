#include "job_log.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <string_view>

#include "linformer/core/utf8.h"
#include "linformer/report/html_text.h"

namespace linformer {
namespace {

constexpr std::streamoff kReadBytes = 64 * 1024;
constexpr size_t kMostBytes = 2000;

/// The end of a file; "" if it cannot be read.
std::string end_of_file(const std::string& path) {
  std::ifstream stream(path, std::ios::binary | std::ios::ate);
  if (!stream) return "";
  const std::streamoff size = stream.tellg();
  std::string text(static_cast<size_t>(std::clamp<std::streamoff>(size, 0, kReadBytes)), '\0');
  stream.seekg(size - static_cast<std::streamoff>(text.size()));
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(stream.gcount()));
  return text;
}

/// "exit code 139 (Segmentation fault)"
std::string code_words(int exit_code) {
  std::string words = "exit code " + std::to_string(exit_code);
  const int signal_number = exit_code - 128;
  if (signal_number > 0 && signal_number < 32) {
    words += std::string(" (") + ::strsignal(signal_number) + ")";
  }
  return words;
}

/// What a progress line says: its first part and the time that is left; "" for other lines. Such a
/// line has parts between " | " and begins with "step " or has a number " of " a number.
std::string progress_words(const std::string& line) {
  constexpr std::string_view kBetween = " | ";
  const size_t first = line.find(kBetween);
  if (first == std::string::npos || line.starts_with('[')) return "";
  std::string words = printable_text(line.substr(0, first));
  if (!words.starts_with("step ") && words.find(" of ") == std::string::npos) return "";
  if (const size_t eta = line.rfind(" | ETA "); eta != std::string::npos) {
    words += ", " + printable_text(line.substr(eta + kBetween.size()));
  }
  return words;
}

}  // namespace

std::string failure_reason(const std::string& log_path, int exit_code) {
  static const std::string kError = "error: ";
  std::string text = end_of_file(log_path);
  const size_t error = text.rfind(kError);
  if (error == std::string::npos) return code_words(exit_code) + ", see " + log_path;
  text = printable_text(text.substr(error + kError.size()));
  while (!text.empty() && text.back() == '\n') text.pop_back();
  if (text.size() > kMostBytes) {
    text = text.substr(0, utf8_boundary_before(text, kMostBytes)) + "... (see " + log_path + ")";
  }
  return text.empty() ? code_words(exit_code) + ", see " + log_path : text;
}

std::string progress_of_run(const std::string& log_path) {
  std::string text = end_of_file(log_path);
  while (!text.empty()) {
    const size_t begin = text.find_last_of('\n') + 1;  // 0 for the first line
    const std::string words = progress_words(text.substr(begin));
    if (!words.empty()) return words;
    text.resize(begin > 0 ? begin - 1 : 0);
  }
  return "starting";
}

}  // namespace linformer
