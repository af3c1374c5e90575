#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "linformer/report/event_file.h"
#include "linformer/report/jsonl_log.h"

namespace linformer {

enum class TensorBoard { kOff, kOn };

/// The log of a run: FOLDER/log.jsonl and, for TensorBoard, an event file with the same content.
class RunLog {
 public:
  RunLog(const std::string& folder, TensorBoard tensorboard);

  void write(const LogRecord& record);

  /// Bytes of log.jsonl.
  int64_t size() const { return lines_.size(); }

  /// Begins a session that continues after `step`, when log.jsonl had `log_bytes` bytes. Later
  /// lines are dropped (by their steps, if the file was changed from outside), and TensorBoard
  /// drops later points. `configuration` goes into the event file as text. Returns the number of
  /// lines dropped.
  int64_t start_session(int64_t step, int64_t log_bytes, const std::string& configuration);

  /// The run was rolled back to `step`: TensorBoard drops later points, log.jsonl keeps them.
  void go_back(int64_t step);

 private:
  JsonlLog lines_;
  std::optional<EventFile> events_;
};

}  // namespace linformer
