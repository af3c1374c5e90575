#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "linformer/config/trainer_config.h"

namespace linformer {

/// Steps first to last, counted from 1 as in log.jsonl.
struct StepRange {
  int64_t first = 0;
  int64_t last = 0;
  bool operator==(const StepRange&) const = default;
};

/// The state of a guard; part of the checkpoint.
struct GuardState {
  int64_t num_skips = 0;          ///< of the whole run
  int64_t consecutive_skips = 0;  ///< the last ones in a row
  int64_t num_rollbacks = 0;
  int64_t rollback_step = 0;           ///< the checkpoint of the last rollback
  std::vector<StepRange> passed_over;  ///< steps that are not executed, since rollbacks blamed them
  std::vector<double> losses;          ///< of the last good steps, oldest first
  std::vector<double> gradient_norms;  ///< likewise, before clipping

  bool operator==(const GuardState&) const = default;
};

/// Decides which steps may change the weights. Its inputs are numbers that are the same on every
/// process, so every process decides the same.
///
/// A step counts, and its data are used up, whether it is taken, skipped or passed over. So the
/// data of a step can always be computed.
class StepGuard {
 public:
  explicit StepGuard(const GuardConfig& config) : config_(config) {}

  GuardState& state() { return state_; }
  const GuardState& state() const { return state_; }

  /// The problem of a step with this mean loss and gradient norm, in words; nothing if the step is
  /// good. A spike is a value more than spike_zscore standard deviations above the mean of the last
  /// spike_window good steps, once there are that many.
  std::optional<std::string> find_problem(double loss, double gradient_norm) const;

  /// The step is taken.
  void accept(double loss, double gradient_norm);

  /// The step is skipped. Returns false if that is one too many in a row.
  bool skip();

  /// Whether a rollback blamed this step (counted from 1).
  bool passes_over(int64_t step) const;

  /// Call after a rollback to `rollback_step`, with the state of that checkpoint loaded. `bad_step`
  /// is the last of `num_bad` bad steps in a row; `num_rollbacks` is the count before this
  /// rollback. These steps, and skip_before steps before them, will be passed over.
  void blame(int64_t bad_step, int64_t num_bad, int64_t num_rollbacks, int64_t rollback_step);

 private:
  GuardConfig config_;
  GuardState state_;
};

}  // namespace linformer
