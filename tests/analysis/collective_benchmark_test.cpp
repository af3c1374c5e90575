#include "linformer/analysis/collective_benchmark.h"

#include <gtest/gtest.h>

#include "dist/process_threads.h"

namespace linformer {
namespace {

TEST(CollectiveBenchmark, RateByHand) {
  // Each of 4 sends 2 x 3/4 x 1,000 bytes in the median of 1, 2 and 3 seconds.
  const CollectiveBenchmark result{1000, {3.0, 1.0, 2.0}};
  EXPECT_DOUBLE_EQ(result.bus_bytes_per_second(4), 750.0);
  EXPECT_DOUBLE_EQ(result.bus_bytes_per_second(1), 0.0);
}

TEST(CollectiveBenchmark, AllProcessesAgreeOnTheTimes) {
  std::vector<double> seconds[2];
  as_processes(2, [&](ProcessGroup& group) {
    const CollectiveBenchmark result = benchmark_sum(group, 4000, 3);
    EXPECT_EQ(result.bytes, 4000);
    EXPECT_EQ(result.seconds.size(), 3u);
    seconds[group.rank()] = result.seconds;
  });
  EXPECT_EQ(seconds[0], seconds[1]);
}

}  // namespace
}  // namespace linformer
