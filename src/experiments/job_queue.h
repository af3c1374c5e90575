#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "linformer/experiments/sweep.h"

namespace linformer {

/// A run that is a process of its own, with its folder.
struct QueuedRun {
  std::string folder;
  std::string config;  ///< YAML; the process reads FOLDER/job.yaml
  bool done = false;   ///< nothing is left to do
  std::function<std::optional<std::string>()> finished;  ///< its result in words, if it has one
};

struct JobQueueOptions {
  std::string program;      ///< that takes --config FOLDER/job.yaml
  std::string output;       ///< the folder of all runs, which messages leave out
  int64_t num_jobs = 1;     ///< runs at a time
  int64_t num_devices = 0;  ///< CUDA devices that they are spread over; 0 = none, or all of one
};

/// Executes the runs, several at a time, with a line that says how far they are. What each prints
/// is in FOLDER/run.log. A failed run is added to `failed`, and the others go on. At a stop signal,
/// all runs are stopped and saved; the caller sees the signal.
void execute_runs(const std::vector<QueuedRun>& runs, const JobQueueOptions& options,
                  std::vector<FailedJob>& failed);

}  // namespace linformer
