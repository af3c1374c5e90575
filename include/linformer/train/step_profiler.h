#pragma once

#include <cstdint>
#include <string>

#include "linformer/config/trainer_config.h"

namespace linformer {

/// Records the operations of a few steps (logging.profile) with LibTorch's profiler and writes them
/// as a Chrome trace, FOLDER/trace-00000010-00000012.json, which chrome://tracing and
/// ui.perfetto.dev open. Outside these steps it costs nothing.
class StepProfiler {
 public:
  StepProfiler(const ProfileConfig& config, std::string folder)
      : config_(config), folder_(std::move(folder)) {}
  /// Gives up a recording that was not finished.
  ~StepProfiler();
  StepProfiler(const StepProfiler&) = delete;
  StepProfiler& operator=(const StepProfiler&) = delete;

  /// Before step `step`, counted from 1 as in the log.
  void before_step(int64_t step);
  /// After it; writes the trace after the last step of the recording. Throws RunError.
  void after_step(int64_t step);
  /// At the end of a session: writes what was recorded so far.
  void finish();

  /// The trace, once it is written; else "".
  const std::string& path() const { return path_; }

 private:
  void write();

  ProfileConfig config_;
  std::string folder_;
  std::string path_;
  int64_t first_ = 0;  // of the recording, 0 = none
  int64_t last_ = 0;
};

}  // namespace linformer
