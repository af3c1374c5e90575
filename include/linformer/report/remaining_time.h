#pragma once

#include <cstdint>
#include <deque>
#include <optional>

namespace linformer {

/// Estimates the time left from the second half of what was done since the first mark. So pauses
/// (evaluations, checkpoints) count, single slow moments do not make the estimate jump, and a
/// machine that became slower or faster is noticed.
class RemainingTime {
 public:
  /// `done` units of the job were done at this clock, in seconds. Of marks with the same `done`,
  /// the first counts. If work is done anew (a smaller `done` than before), the estimate begins
  /// anew.
  void mark(int64_t done, double clock);

  /// Seconds until `total` units are done, counted from the last mark; nothing before the second
  /// mark.
  std::optional<double> seconds_to(int64_t total) const;

 private:
  struct Mark {
    int64_t done;
    double clock;
  };
  int64_t begin_ = 0;
  std::deque<Mark> marks_;  // the first lies at the middle of the work since begin_, or before it
};

}  // namespace linformer
