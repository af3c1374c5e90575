#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "linformer/report/event_file.h"
#include "linformer/report/jsonl_log.h"

namespace linformer {

enum class TensorBoard { kOff, kOn };

/// The log of a run: FOLDER/log.jsonl and, for TensorBoard, an event file of the same content.
class RunLog {
 public:
  RunLog(const std::string& folder, TensorBoard tensorboard);

  void write(const LogRecord& record);

  /// Begins a session that goes on after `step`: later lines of log.jsonl are dropped, and
  /// TensorBoard forgets later points. `configuration` goes into the event file as text. Returns
  /// the number of lines dropped.
  int64_t start_session(int64_t step, const std::string& configuration);

 private:
  JsonlLog lines_;
  std::optional<EventFile> events_;
};

}  // namespace linformer
