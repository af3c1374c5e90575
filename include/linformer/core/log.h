#pragma once

#include <string>

namespace linformer {

enum class LogLevel { kDebug, kInfo, kWarning, kError, kOff };

/// Lowest level that is printed on stderr; kInfo at the start.
void set_log_level(LogLevel level);

/// Log lines go to stderr ("[14:05:07] info: ..."). Results go to stdout and are never logged.
void log_debug(const std::string& message);
void log_info(const std::string& message);
void log_warning(const std::string& message);
void log_error(const std::string& message);

/// Copies every later log line to this file as well (appends; throws RunError if it cannot open).
void add_log_file(const std::string& path);

}  // namespace linformer
