#pragma once

#include <cstdint>
#include <vector>

#include "linformer/dist/process_group.h"

namespace linformer {

/// How fast the processes of a run sum a tensor, without overlap with other work.
struct CollectiveBenchmark {
  int64_t bytes = 0;
  std::vector<double> seconds;  ///< of each repetition, the slowest process counting

  double median_seconds() const;
  /// 2 (P - 1) / P x bytes / seconds: what each process sends (and receives) in a ring.
  double bus_bytes_per_second(int64_t processes) const;
};

/// All processes call it. One warm-up, then `repeats` sums of `bytes` of fp32.
CollectiveBenchmark benchmark_sum(ProcessGroup& group, int64_t bytes, int64_t repeats);

}  // namespace linformer
