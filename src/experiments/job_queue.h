#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "linformer/experiments/many_runs.h"

namespace linformer {

/// A run that is a process of its own, with its folder.
struct QueuedRun {
  std::string folder;
  std::string config;  ///< YAML; the process reads FOLDER/job.yaml
  bool done = false;   ///< nothing is left to do
  std::function<std::optional<std::string>()> finished;  ///< its result in words, if it has one
};

/// What a dry run says of a run: "finished", the status of one that has begun, or "new".
std::string planned_state(const std::string& folder, bool done);

/// Threads of a run whose configuration says `configured`: with 0, its share of the cores.
int64_t threads_of_run(int64_t configured, const ManyRunsOptions& options);

/// Executes the runs, several at a time, with a line that says how far they are. What each prints
/// is in FOLDER/run.log. A failed run is added to `failed`, and the others go on. At a stop signal,
/// all runs are stopped and saved; the caller sees the signal.
void execute_runs(const std::vector<QueuedRun>& runs, const ManyRunsOptions& options,
                  std::vector<FailedJob>& failed);

}  // namespace linformer
