// linformer-launch: starts and supervises one process per device.
#include <memory>

#include <CLI/CLI.hpp>

#include "option_checks.h"
#include "programs.h"

#include "linformer/core/error.h"
#include "linformer/core/processors.h"
#include "linformer/dist/supervisor.h"

namespace linformer {

namespace {

struct LaunchArguments {
  LaunchPlan plan;
  std::string rendezvous;
};

void run_launch(LaunchArguments& arguments) {
  LaunchPlan& plan = arguments.plan;
  check_processes("--nproc-per-node", plan.processes_per_node);
  if (plan.node_rank >= plan.num_nodes) {
    fail_usage("--node-rank",
               std::to_string(plan.node_rank) + " of " + std::to_string(plan.num_nodes) +
                   " machines (they count from 0)",
               "give --nnodes and, on each machine, its own --node-rank");
  }
  if (!arguments.rendezvous.empty()) {
    set_rendezvous(plan, arguments.rendezvous);
  } else if (plan.num_nodes > 1) {
    fail_usage("--rdzv", "several machines have to know where to meet",
               "give HOST:PORT of the machine with --node-rank 0, the same on each");
  }
  supervise(plan);
}

}  // namespace

}  // namespace linformer

int main(int argc, char** argv) {
  const linformer::ProgramInfo info = linformer::program_info(
      "linformer-launch",
      {"linformer-launch --nproc-per-node 2 -- linformer-train --config pretrain.yaml",
       "linformer-launch --nproc-per-node 8 --nnodes 4 --node-rank 0 --rdzv node0:29500 \\",
       "    -- linformer-train --config pretrain.yaml"});
  return linformer::run_program(argc, argv, info, [](CLI::App& program) {
    auto arguments = std::make_shared<linformer::LaunchArguments>();
    linformer::LaunchPlan& plan = arguments->plan;
    program.add_option("--nproc-per-node", plan.processes_per_node, "processes on this machine")
        ->check(linformer::takes_between(1, 4096));
    program.add_option("--nnodes", plan.num_nodes, "machines")
        ->check(linformer::takes_between(1, 1 << 20));
    program.add_option("--node-rank", plan.node_rank, "number of this machine, from 0")
        ->check(linformer::takes_between(0, 1 << 20));
    program.add_option("--rdzv", arguments->rendezvous,
                       "HOST:PORT on machine 0 where all meet; needed with several machines");
    program
        .add_option("--stop-seconds", plan.stop_seconds,
                    "when a process has failed, time from SIGTERM to SIGKILL for the others")
        ->check(linformer::takes_above_zero());
    program.add_option("command", plan.command, "after --: the program and its arguments")
        ->required();
    program.positionals_at_end();
    program.callback([arguments] { linformer::run_launch(*arguments); });
  });
}
