// linformer-bench reduce: how fast the processes of a run add up their gradients.
#include <cstdio>
#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "bench_commands.h"
#include "option_checks.h"
#include "program.h"
#include "table_output.h"

#include "linformer/analysis/collective_benchmark.h"
#include "linformer/core/format.h"
#include "linformer/core/json_text.h"
#include "linformer/kernels/thread_setup.h"

namespace linformer {

namespace {

struct ReduceArguments {
  std::vector<double> megabytes{0.001, 1.0, 25.0, 100.0};
  int64_t repeats = 10;
  bool json = false;
};

void run_reduce(const ReduceArguments& arguments) {
  const LaunchEnvironment environment = launch_environment();
  set_num_threads(0, static_cast<int>(environment.local_world_size));
  ProcessGroup group(environment, DistributedConfig{});
  std::vector<std::vector<std::string>> rows{{"MB", "milliseconds", "GB/s sent by each"}};
  auto json = nlohmann::ordered_json::array();
  for (const double megabytes : arguments.megabytes) {
    const CollectiveBenchmark result =
        benchmark_sum(group, static_cast<int64_t>(megabytes * 1e6), arguments.repeats);
    const double rate = result.bus_bytes_per_second(group.size());
    rows.push_back({format_number(megabytes), format_fixed(1e3 * result.median_seconds(), 3),
                    format_fixed(1e-9 * rate, 2)});
    json.push_back({{"bytes", result.bytes},
                    {"processes", group.size()},
                    {"seconds", result.seconds},
                    {"median_seconds", result.median_seconds()},
                    {"bus_bytes_per_second", rate}});
  }
  if (!group.is_first()) return;
  std::printf("%s",
              arguments.json ? (json_text(json, 2) + "\n").c_str() : shown_table(rows).c_str());
}

}  // namespace

void add_reduce_command(CLI::App& program) {
  CLI::App* const command =
      program.add_subcommand("reduce", "sum tensors over the processes of linformer-launch");
  auto arguments = std::make_shared<ReduceArguments>();
  command->add_option("--megabytes", arguments->megabytes, "sizes")->check(takes_above_zero());
  command->add_option("--repeats", arguments->repeats, "repetitions of each")
      ->check(takes_between(1, 1000000));
  command->add_flag("--json", arguments->json, "results as JSON");
  add_markdown_option(*command);
  add_examples(*command, {"linformer-launch --nproc-per-node 2 -- linformer-bench reduce"});
  command->callback([arguments] { run_reduce(*arguments); });
}

}  // namespace linformer
