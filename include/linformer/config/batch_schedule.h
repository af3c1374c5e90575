#pragma once

#include <cstdint>

namespace linformer {

/// How many sequences each optimizer step takes; steps count from 0. The schedule is a pure
/// function of its arguments, so the place of any step in the stream of sequences can be computed.
///
///   step >= ramp_steps   global
///   step <  ramp_steps   start + start * floor((global / start - 1) * step / ramp_steps)
///
/// Every size is a multiple of `start`, so micro-batches and processes that divide `start` divide
/// every step.
class BatchSchedule {
 public:
  /// 1 <= start, start divides global, 0 <= ramp_steps <= kMaxRampSteps.
  BatchSchedule(int64_t global, int64_t start, int64_t ramp_steps);
  /// Every step takes `global` sequences.
  explicit BatchSchedule(int64_t global) : BatchSchedule(global, global, 0) {}

  static constexpr int64_t kMaxRampSteps = int64_t{1} << 30;

  int64_t sequences(int64_t step) const;
  /// The sequences of all steps before `step`, which is the stream position of the step's first
  /// one.
  int64_t first_sequence(int64_t step) const;
  /// The step that takes the sequence at `position` of the stream.
  int64_t step_of(int64_t position) const;
  /// The least number of steps that take at least `sequences` sequences.
  int64_t steps_for(int64_t sequences) const;

 private:
  int64_t global_, start_, ramp_steps_;
};

}  // namespace linformer
