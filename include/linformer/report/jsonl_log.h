#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace linformer {

/// A value of a log line.
class LogValue {
 public:
  LogValue(bool value) : value_(value) {}
  template <std::integral T>
  requires(!std::same_as<T, bool>) LogValue(T value) : value_(static_cast<int64_t>(value)) {}
  template <std::floating_point T>
  LogValue(T value) : value_(static_cast<double>(value)) {}
  LogValue(std::string value) : value_(std::move(value)) {}
  LogValue(const char* value) : value_(std::string(value)) {}

  using Variant = std::variant<bool, int64_t, double, std::string>;
  const Variant& get() const { return value_; }

 private:
  Variant value_;
};

/// Names and values of one log line, in this order.
using LogRecord = std::vector<std::pair<std::string, LogValue>>;

/// One JSON object, without a line end. Numbers that are not finite become null, since JSON does
/// not have them. Text that is not UTF-8 gets replacement characters.
std::string to_json_line(const LogRecord& record);

/// A value of a line by its name: a number (NaN where the line has null), or a text. Nothing if
/// there is none of this type.
std::optional<double> number_in(const LogRecord& record, const std::string& name);
std::optional<std::string> text_in(const LogRecord& record, const std::string& name);

/// The same as a whole number: 0 without a number, or with one that no int64_t holds.
int64_t whole_in(const LogRecord& record, const std::string& name);

/// The lines of a file of JSON lines, in their order; null becomes NaN, lists and objects become
/// their text. Lines that are no JSON object are left out: a running program may just be writing
/// the last one. No file: no lines. Throws RunError if it cannot be read.
std::vector<LogRecord> read_json_lines(const std::string& path);

/// log.jsonl: one JSON object per line, each on disk when write() returns. Throws RunError.
class JsonlLog {
 public:
  /// Appends to `path`; the file is created by the first write().
  explicit JsonlLog(std::string path) : path_(std::move(path)) {}

  void write(const LogRecord& record);

  /// Bytes on the disk; 0 without a file.
  int64_t size() const;

  /// For resuming: cuts off everything after the first `bytes` bytes and returns the number of
  /// lines removed. Returns nothing and changes nothing if the file is shorter.
  std::optional<int64_t> drop_behind(int64_t bytes);

  /// For resuming after `step`: drops lines whose "step" is later, and incomplete lines (cut off by
  /// a kill), so that the log has every step once. Replaces the file atomically. Returns the number
  /// of lines dropped.
  int64_t drop_after(int64_t step);

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace linformer
