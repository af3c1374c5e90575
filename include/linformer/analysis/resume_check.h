#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "linformer/config/pretrain_config.h"

namespace linformer {

struct ResumeCheckOptions {
  std::string folder;                ///< gets the runs; what is in it is removed first
  std::vector<std::string> trainer;  ///< the program linformer-train and its flags
  std::string launcher;              ///< the program linformer-launch
  int64_t steps = 20;                ///< N
  int64_t kills = 3;
  int64_t processes = 2;  ///< that the run is resumed on as well; 1 = not
  uint64_t seed = 1;      ///< of the moments
};

/// Proves that a run of this configuration can be resumed. It trains 2 N steps. Then it trains the
/// same `kills` times with a kill -9 at a random moment and a second start, and compares every bit
/// of weights, optimizer and state. Finally it resumes from step N on several processes, and
/// compares data positions exactly and losses up to rounding (1e-4 relative). `say` gets a line for
/// each part. Throws RunError that names the difference; the runs stay in the folder for
/// inspection.
void check_resume(const PretrainConfig& config, const ResumeCheckOptions& options,
                  const std::function<void(const std::string&)>& say);

/// The first difference of two checkpoints, e.g. "model.safetensors: lm_head.bias"; "" if weights,
/// optimizer and state are bit-identical (except for times and the log's length).
std::string first_checkpoint_difference(const std::string& a, const std::string& b);

}  // namespace linformer
