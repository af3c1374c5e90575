#pragma once

#include <string>

namespace linformer {

/// Why a program failed, for people: its log from the last "error: " on, printable and at most
/// 2,000 bytes of it, or else its exit code and where the log is.
std::string failure_reason(const std::string& log_path, int exit_code);

}  // namespace linformer
