#pragma once

#include <cstdint>
#include <string>

namespace linformer {

/// What every set of runs has, each run a process of its own.
struct ManyRunsOptions {
  int64_t num_seeds = 1;    ///< of each setting: run.seed, run.seed + 1, ...
  std::string output;       ///< the folder of all runs
  std::string program;      ///< that takes --config FOLDER/job.yaml
  int64_t num_jobs = 1;     ///< runs at a time
  int64_t num_devices = 0;  ///< CUDA devices that they are spread over; 0 = none, or all of one
  int64_t num_cores = 1;    ///< that they share
  bool keep_models = false;
};

/// A run that ended with an error.
struct FailedJob {
  std::string folder;
  std::string reason;
};

}  // namespace linformer
