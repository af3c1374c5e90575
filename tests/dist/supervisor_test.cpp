#include "linformer/dist/supervisor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "linformer/core/error.h"

namespace linformer {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;
using ::testing::Pair;

// The supervision itself is tested with real programs in tests/cli/launch_test.cpp.

TEST(Supervisor, VariablesAreTorchruns) {
  LaunchPlan plan;
  plan.processes_per_node = 4;
  plan.num_nodes = 3;
  plan.node_rank = 2;
  set_rendezvous(plan, "node0:29500");
  // rank 2 * 4 + 1; 16 cores for 4 processes
  EXPECT_THAT(launch_variables(plan, 1, 16, false),
              ElementsAre(Pair("RANK", "9"), Pair("WORLD_SIZE", "12"), Pair("LOCAL_RANK", "1"),
                          Pair("LOCAL_WORLD_SIZE", "4"), Pair("MASTER_ADDR", "node0"),
                          Pair("MASTER_PORT", "29500"), Pair("LINFORMER_LAUNCH", "1"),
                          Pair("OMP_NUM_THREADS", "4")));
  EXPECT_THAT(launch_variables(plan, 1, 16, true), Not(Contains(Pair("OMP_NUM_THREADS", "4"))));
  EXPECT_THAT(launch_variables(plan, 0, 2, false), Contains(Pair("OMP_NUM_THREADS", "1")));
  plan.run_id = "1-2";
  EXPECT_THAT(launch_variables(plan, 0, 2, false), Contains(Pair("LINFORMER_RUN_ID", "1-2")));
}

TEST(Supervisor, Rendezvous) {
  LaunchPlan plan;
  set_rendezvous(plan, "[::1]:1234");
  EXPECT_EQ(plan.host, "::1");
  EXPECT_EQ(plan.port, 1234);
  for (const char* text : {"node0", "node0:", ":29500", "node0:0", "node0:65536", "node0:x", ""}) {
    EXPECT_THROW(set_rendezvous(plan, text), UsageError) << text;
  }
}

}  // namespace
}  // namespace linformer
