#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "linformer/config/resume_rules.h"
#include "linformer/report/event_file.h"
#include "linformer/report/jsonl_log.h"

namespace linformer {

enum class TensorBoard { kOff, kOn };

/// The log of a run: FOLDER/log.jsonl and, for TensorBoard, an event file with the same content.
class RunLog {
 public:
  RunLog(const std::string& folder, TensorBoard tensorboard);

  /// `constants` are the same in all lines of their kind, such as the seed of frozen masks. They
  /// are in each line of log.jsonl; TensorBoard gets them once a session, as a text and not as a
  /// curve.
  void write(const LogRecord& record, const LogRecord& constants = {});

  /// Bytes of log.jsonl.
  int64_t size() const { return lines_.size(); }

  /// Begins a session that continues after `step`, when log.jsonl had `log_bytes` bytes. Later
  /// lines are dropped (by their steps, if the file was changed from outside), and TensorBoard
  /// drops later points. `configuration` goes into the event file as text. `settings` (values by
  /// key, as YAML writes them) go there once, at the beginning of the run, for the HPARAMS tab.
  /// Returns the number of lines dropped.
  int64_t start_session(int64_t step, int64_t log_bytes, const std::string& configuration,
                        const Settings& settings = {});

  /// The run was rolled back to `step`: TensorBoard drops later points, log.jsonl keeps them.
  void go_back(int64_t step);

 private:
  JsonlLog lines_;
  std::optional<EventFile> events_;
  bool constants_written_ = false;
};

}  // namespace linformer
