#include "linformer/dist/launch_environment.h"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "linformer/core/error.h"

namespace linformer {
namespace {

using ::testing::HasSubstr;

using Variables = std::map<std::string, std::string>;

LaunchEnvironment read(const Variables& variables) {
  return read_launch_environment([&](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  });
}

std::string refusal(const Variables& variables) {
  try {
    read(variables);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

Variables with(Variables variables, const Variables& more) {
  for (const auto& [name, value] : more) variables[name] = value;
  return variables;
}

const Variables kTorchrun{{"RANK", "5"},
                          {"WORLD_SIZE", "8"},
                          {"LOCAL_RANK", "1"},
                          {"LOCAL_WORLD_SIZE", "4"},
                          {"MASTER_ADDR", "node0"},
                          {"MASTER_PORT", "29500"}};
const Variables kOpenMpi{{"OMPI_COMM_WORLD_RANK", "3"},
                         {"OMPI_COMM_WORLD_SIZE", "4"},
                         {"OMPI_COMM_WORLD_LOCAL_RANK", "1"},
                         {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"},
                         {"MASTER_ADDR", "node0"},
                         {"MASTER_PORT", "29501"}};
const Variables kSlurm{{"SLURM_STEP_ID", "0"},
                       {"SLURM_JOB_ID", "123456"},
                       {"SLURM_PROCID", "4"},
                       {"SLURM_NTASKS", "5"},
                       {"SLURM_LOCALID", "1"},
                       {"SLURM_NODEID", "2"},
                       {"SLURM_TASKS_PER_NODE", "2,1,2"},
                       {"SLURM_JOB_NODELIST", "gpu[007-009]"},
                       {"SLURM_LAUNCH_NODE_IPADDR", "login1"}};

TEST(LaunchEnvironment, IsOneProcessWhereNothingIsSet) {
  EXPECT_EQ(read({}), LaunchEnvironment{});
  // Scripts export the address long before anything is launched.
  EXPECT_EQ(read({{"MASTER_ADDR", "node0"}, {"MASTER_PORT", "29500"}}), LaunchEnvironment{});
  EXPECT_EQ(read({{"RANK", ""}}), LaunchEnvironment{});
}

TEST(LaunchEnvironment, ReadsTorchrun) {
  EXPECT_EQ(read(kTorchrun), (LaunchEnvironment{5, 8, 1, 4, "node0", 29500, "torchrun"}));
  // One process a container: the local variables are left out together.
  EXPECT_EQ(
      read({{"RANK", "1"}, {"WORLD_SIZE", "2"}, {"MASTER_ADDR", "node0"}, {"MASTER_PORT", "1234"}}),
      (LaunchEnvironment{1, 2, 0, 1, "node0", 1234, "torchrun"}));
  // One process needs no address.
  EXPECT_EQ(read({{"RANK", "0"}, {"WORLD_SIZE", "1"}}),
            (LaunchEnvironment{0, 1, 0, 1, "", 0, "torchrun"}));
}

TEST(LaunchEnvironment, ReadsOpenMpi) {
  EXPECT_EQ(read(kOpenMpi), (LaunchEnvironment{3, 4, 1, 2, "node0", 29501, "Open MPI"}));
}

TEST(LaunchEnvironment, ReadsSlurm) {
  // Port 12000 + 123456 mod 20000 = 12000 + 3456; the third machine has two tasks.
  EXPECT_EQ(read(kSlurm), (LaunchEnvironment{4, 5, 1, 2, "gpu007", 15456, "SLURM"}));
  EXPECT_EQ(read(with(kSlurm, {{"MASTER_ADDR", "ib0"}, {"MASTER_PORT", "7"}})),
            (LaunchEnvironment{4, 5, 1, 2, "ib0", 7, "SLURM"}));
  // A step may have fewer tasks and machines than the job.
  EXPECT_EQ(read(with(kSlurm, {{"SLURM_NTASKS", "64"},
                               {"SLURM_STEP_NUM_TASKS", "6"},
                               {"SLURM_STEP_NODELIST", "gpu[008-009]"},
                               {"SLURM_STEP_TASKS_PER_NODE", "3(x2)"},
                               {"SLURM_NODEID", "1"}})),
            (LaunchEnvironment{4, 6, 1, 3, "gpu008", 15456, "SLURM"}));
  Variables bare = kSlurm;
  bare.erase("SLURM_JOB_NODELIST");
  EXPECT_EQ(read(bare).host, "login1");
}

TEST(LaunchEnvironment, ABatchScriptIsNoStepOfSrun) {
  Variables script = kSlurm;
  script.erase("SLURM_STEP_ID");
  EXPECT_EQ(read(script), LaunchEnvironment{});
  EXPECT_EQ(read(with(script, {{"SLURM_STEP_ID", "4294967291"}})), LaunchEnvironment{});
}

TEST(LaunchEnvironment, TheInnerLauncherCounts) {
  // One torchrun a machine, started by srun or mpirun: other ranks, no contradiction.
  for (const Variables& outer : {kSlurm, kOpenMpi}) {
    EXPECT_EQ(read(with(outer, with(kTorchrun, {{"TORCHELASTIC_RUN_ID", "x"}}))).rank, 5);
    EXPECT_EQ(read(with(outer, with(kTorchrun, {{"LINFORMER_LAUNCH", "1"}}))).rank, 5);
  }
  // mpirun inside a SLURM job.
  EXPECT_EQ(read(with(kSlurm, kOpenMpi)).launcher, "Open MPI");
}

TEST(LaunchEnvironment, RefusesContradictions) {
  EXPECT_THAT(refusal(with(kOpenMpi, kTorchrun)),
              HasSubstr("RANK and WORLD_SIZE say rank 5 of 8, the variables of Open MPI say rank 3 "
                        "of 4"));
  EXPECT_THAT(refusal(with(kSlurm, kTorchrun)),
              HasSubstr("the variables of SLURM say rank 4 of 5"));
  EXPECT_THAT(refusal(with(kTorchrun, {{"RANK", "8"}})), HasSubstr("rank 8 of 8 processes"));
  EXPECT_THAT(refusal(with(kTorchrun, {{"LOCAL_RANK", "4"}})), HasSubstr("local rank 4 of 4"));
  EXPECT_THAT(refusal(with(kTorchrun, {{"LOCAL_WORLD_SIZE", "9"}})),
              HasSubstr("9 processes on this machine, but 8 in all"));
  EXPECT_THAT(refusal(with(kTorchrun, {{"WORLD_SIZE", "0"}, {"RANK", "0"}})),
              HasSubstr("0 processes"));
}

TEST(LaunchEnvironment, RefusesHalfSetVariables) {
  for (const char* name :
       {"RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"}) {
    Variables half = kTorchrun;
    half.erase(name);
    EXPECT_THAT(refusal(half),
                HasSubstr("environment variable " + std::string(name) + ": is not set"))
        << name;
  }
  for (const auto& [name, value] : kOpenMpi) {
    Variables half = kOpenMpi;
    half.erase(name);
    EXPECT_THAT(refusal(half), HasSubstr(name + ": is not set")) << value;
  }
  for (const char* name : {"SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID"}) {
    Variables half = kSlurm;
    half.erase(name);
    EXPECT_THAT(refusal(half), HasSubstr(std::string(name) + ": is not set"));
  }
}

TEST(LaunchEnvironment, RefusesWhatIsNoNumber) {
  EXPECT_THAT(refusal(with(kTorchrun, {{"RANK", "first"}})), HasSubstr("\"first\" is not a whole"));
  EXPECT_THAT(refusal(with(kTorchrun, {{"RANK", "-1"}})), HasSubstr("RANK: \"-1\""));
  EXPECT_THAT(refusal(with(kTorchrun, {{"RANK", "1x"}})), HasSubstr("RANK: \"1x\""));
  EXPECT_THAT(refusal(with(kTorchrun, {{"MASTER_PORT", "65536"}})), HasSubstr("MASTER_PORT"));
}

TEST(LaunchEnvironment, FirstSlurmHost) {
  EXPECT_EQ(first_slurm_host("node1"), "node1");
  EXPECT_EQ(first_slurm_host("node1,node2"), "node1");
  EXPECT_EQ(first_slurm_host("node[3-5,9]"), "node3");
  EXPECT_EQ(first_slurm_host("node[007,009],gpu[1-2]"), "node007");
  EXPECT_EQ(first_slurm_host("rack[2-3]-a,x"), "rack2-a");
  EXPECT_EQ(first_slurm_host("login,node[1-2]"), "login");
  EXPECT_EQ(first_slurm_host("node[1"), "");
}

TEST(LaunchEnvironment, SlurmTasksOnNode) {
  EXPECT_EQ(slurm_tasks_on_node("4", 0), 4);
  EXPECT_EQ(slurm_tasks_on_node("2(x3),1", 2), 2);
  EXPECT_EQ(slurm_tasks_on_node("2(x3),1", 3), 1);
  EXPECT_EQ(slurm_tasks_on_node("2(x3),1", 4), std::nullopt);
  EXPECT_EQ(slurm_tasks_on_node("", 0), std::nullopt);
}

}  // namespace
}  // namespace linformer
