#include "linformer/analysis/collective_benchmark.h"

#include <algorithm>
#include <chrono>

#include <ATen/ATen.h>

#include "linformer/analysis/step_benchmark.h"

namespace linformer {

double CollectiveBenchmark::median_seconds() const {
  return median(seconds);
}

double CollectiveBenchmark::bus_bytes_per_second(int64_t processes) const {
  const auto p = static_cast<double>(processes);
  return 2.0 * (p - 1.0) / p * static_cast<double>(bytes) / median_seconds();
}

CollectiveBenchmark benchmark_sum(ProcessGroup& group, int64_t bytes, int64_t repeats) {
  using Clock = std::chrono::steady_clock;
  const int64_t count = std::max<int64_t>(1, bytes / static_cast<int64_t>(sizeof(float)));
  const at::Tensor tensor = at::zeros({count}, at::kFloat);
  CollectiveBenchmark result;
  result.bytes = static_cast<int64_t>(tensor.nbytes());
  for (int64_t i = -1; i < repeats; ++i) {
    group.barrier();
    const auto start = Clock::now();
    group.sum(tensor);
    const std::chrono::duration<double, std::nano> own = Clock::now() - start;
    const auto slowest = group.maximum({static_cast<int64_t>(own.count())}).front();
    if (i >= 0) result.seconds.push_back(1e-9 * static_cast<double>(slowest));
  }
  return result;
}

}  // namespace linformer
