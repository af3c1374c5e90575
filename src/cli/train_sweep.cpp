// linformer-train over settings and seeds: runs and their table.
#include "train_sweep.h"

#include <algorithm>
#include <cstdio>
#include <iterator>

#include <CLI/CLI.hpp>

#include "table_output.h"

#include "linformer/config/config_file.h"
#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/log.h"
#include "linformer/core/stop_signal.h"
#include "linformer/experiments/pretrain_sweep.h"

namespace linformer {
namespace {

PretrainSweepOptions options_of(const SweepArguments& arguments, const SweepBase& base) {
  PretrainSweepOptions options;
  options.config = base.config;
  options.overrides = base.overrides;
  options.sweep = pretrain_sweep(arguments.sweep);
  options.output = base.output;
  if (options.output.empty()) {
    options.output = load_config<PretrainConfig>(base.config, base.overrides).run.dir;
  }
  check_folder_of_runs(options.output);
  take_many_runs(arguments, options);
  return options;
}

void write_tables(const SweepArguments& arguments, const std::string& output,
                  const std::vector<SweepRow>& rows) {
  const TableRows table = sweep_table(rows);
  const std::string json = sweep_json(rows);
  make_directories(output);
  write_file_atomically(output + "/results.md", table_text(table, TableStyle::kMarkdown));
  write_file_atomically(output + "/results.json", json);
  if (arguments.json) {
    std::printf("%s", json.c_str());
  } else {
    std::printf("%s\ntables:       %s/results.md and results.json\n", shown_table(table).c_str(),
                output.c_str());
  }
}

}  // namespace

void add_sweep_options(CLI::App& program, SweepArguments& arguments) {
  const auto group = [&](auto* option) { return option->group("Many runs"); };
  group(program.add_option("--sweep", arguments.sweep,
                           "values to try, e.g. learning_rate=1e-3,2e-3 batch=16,32: a run for "
                           "each combination, in --output"));
  add_many_runs_options(program, arguments, "setting");
  group(program.add_flag("--keep-models", arguments.keep_models,
                         "keep the models of all runs, not only that of the lowest held-out loss"));
  group(program.add_flag("--report", arguments.report_only,
                         "train nothing; make the table from the finished runs in --output"));
  program.add_flag("--json", arguments.json, "print the result, or the table of a sweep, as JSON");
}

void run_train_sweep(const SweepArguments& arguments, const SweepBase& base) {
  const PretrainSweepOptions options = options_of(arguments, base);
  const std::vector<SweepRun> runs = plan_sweep(options);
  if (!arguments.report_only) check_data(runs);
  if (base.dry_run) {
    std::printf("%s%s, %s at a time\n", shown_table(planned_table(runs)).c_str(),
                format_count(std::ssize(runs), "run").c_str(),
                format_count(std::min<int64_t>(options.num_jobs, std::ssize(runs))).c_str());
    return;
  }
  std::vector<FailedJob> failed;
  if (!arguments.report_only) {
    defer_stop_signals();  // runs that were started are stopped first
    failed = run_sweep(options, runs);
    if (stop_signal() != 0) return;  // what is done is kept
  }
  const std::vector<SweepRow> rows = sweep_rows(runs);
  if (rows.empty() && !failed.empty()) {
    fail_runs(options.output, "every run failed, so no table:", failed);
  }
  if (rows.empty()) {
    fail_usage(options.output, "holds no finished run of this sweep",
               "leave out --report, or give the options and the --output of the sweep");
  }
  for (const SweepRun& run : runs) {
    if (!is_finished(run))
      log_warning(run.config.run.dir + " is not finished, and not in the table");
  }
  write_tables(arguments, options.output, rows);
  if (!failed.empty()) {
    fail_runs(options.output, format_count(std::ssize(failed), "run") + " failed:", failed);
  }
}

}  // namespace linformer
