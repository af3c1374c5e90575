#include "failure_reason.h"

#include <filesystem>

#include "linformer/core/atomic_file.h"

namespace linformer {

std::string failure_reason(const std::string& log_path, int exit_code) {
  static const std::string kError = "error: ";
  std::string text = std::filesystem::exists(log_path) ? read_text_file(log_path) : "";
  const size_t error = text.rfind(kError);
  if (error == std::string::npos) {
    return "exit code " + std::to_string(exit_code) + ", see " + log_path;
  }
  text = text.substr(error + kError.size());
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

}  // namespace linformer
