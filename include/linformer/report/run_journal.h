#pragma once

#include <cstdint>
#include <string>

#include "linformer/report/jsonl_log.h"

namespace linformer {

/// FOLDER/journal.jsonl: what happened to a run, one JSON object per line, in the order of time.
/// Unlike log.jsonl it is never cut, so it shows every session, also the steps that a resumed run
/// did again. Each line has "time" (UTC) and "event":
///
///   started   step, total_steps, device, precision, threads, processes, machine, version, command
///   warning   step, text
///   saved     step, best
///   ended     step, reason: finished, stopped early, time is up, signal, session's end
///   failed    step, text
///
/// A journal that cannot be written costs one warning and nothing else, since the run does not need
/// it.
class RunJournal {
 public:
  /// Writes nothing yet.
  explicit RunJournal(const std::string& folder);

  void write(const std::string& event, const LogRecord& values);
  /// Writes the warnings that were logged since the last call (core/recent_warnings.h).
  void write_warnings(int64_t step);

  static std::string path_in(const std::string& folder);

 private:
  JsonlLog lines_;
  bool broken_ = false;
};

/// "2026-01-31T12:00:00Z"
std::string utc_now();

}  // namespace linformer
