// linformer-finetune: fine-tunes a pre-trained encoder on labelled rows.
#include <csignal>
#include <cstdio>
#include <memory>

#include <CLI/CLI.hpp>

#include "dry_run_checks.h"
#include "finetune_commands.h"
#include "option_checks.h"
#include "programs.h"
#include "table_output.h"

#include "linformer/checkpoint/checkpoint_store.h"
#include "linformer/config/config_file.h"
#include "linformer/config/finetune_config.h"
#include "linformer/config/setting_names.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/log.h"
#include "linformer/core/machine.h"
#include "linformer/core/mark_file.h"
#include "linformer/core/stop_signal.h"
#include "linformer/data/task_registry.h"
#include "linformer/dist/launch_environment.h"
#include "linformer/dist/process_group.h"
#include "linformer/experiments/text_baseline.h"
#include "linformer/kernels/caching_allocator.h"
#include "linformer/kernels/thread_setup.h"
#include "linformer/metrics/percent.h"
#include "linformer/objectives/finetune_dry_run.h"
#include "linformer/objectives/finetune_run.h"
#include "linformer/objectives/resolve_precision.h"
#include "linformer/report/task_result.h"

namespace linformer {

std::vector<std::string> assignments(const FinetuneArguments& arguments) {
  std::vector<std::string> result;
  const auto add = [&](const std::string& key, const std::string& option,
                       const std::string& value) {
    if (!value.empty()) result.push_back(quoted_assignment(key, value));
    // Without a file, a key that is missing can be given as the option.
    if (!value.empty() || arguments.config.empty()) name_setting(key, option);
  };
  add("task.name", "--task", arguments.task);
  add("task.data", "--data", arguments.data);
  const bool is_baseline = arguments.model.empty() && !arguments.baseline.empty();
  add("run.init_from", is_baseline ? "--baseline" : "--model",
      is_baseline ? arguments.baseline : arguments.model);
  add("run.dir", "--output", arguments.output);
  if (arguments.seed) {
    result.push_back("run.seed=" + std::to_string(*arguments.seed));
    name_setting("run.seed", "--seed");
  }
  result.insert(result.end(), arguments.overrides.begin(), arguments.overrides.end());
  return result;
}

namespace {

void print(const TaskResult& result, const std::string& folder,
           const FinetuneArguments& arguments) {
  if (arguments.json) {
    std::printf("%s", to_json(result).c_str());
    return;
  }
  for (const SetResult& set : result.sets) {
    std::string line = set.task + ", " + set.name + " (" + format_count(set.rows, "row") +
                       (set.is_part ? ", a part" : "") + "):";
    for (const MetricValue& metric : set.metrics) {
      line += " " + metric.name + " " + percent_text(metric.value);
    }
    if (set.majority == set.majority) {
      line += " (most frequent class: " + percent_text(set.majority) + ")";
    }
    std::printf("%s\n", line.c_str());
  }
  if (arguments.baseline.empty()) {
    std::printf("model folder: %s\n", follow_marks(folder + "/checkpoints/best").c_str());
  }
  std::printf("result:       %s\n", result_path(folder).c_str());
}

FinetuneConfig read_config(const FinetuneArguments& arguments) {
  return load_finetune_config(arguments.config, assignments(arguments), recipe_of_task);
}

void run_finetune(const FinetuneArguments& arguments, const CLI::App& program) {
  if (arguments.config_help) {
    std::printf("%s", config_help<FinetuneConfig>().c_str());
    return;
  }
  if (arguments.dry_run && (arguments.report_only || !arguments.baseline.empty())) {
    fail_usage("--dry-run",
               std::string("says what fine-tuning a model costs, and ") +
                   (arguments.report_only ? "--report" : "--baseline") + " trains no model",
               "leave one out");
  }
  if (arguments.dry_run && arguments.json) {
    fail_usage("--json", "prints a result, and a dry run has none", "leave one out");
  }
  if (arguments.is_suite()) {
    run_finetune_suite(arguments);
    return;
  }
  refuse_many_runs_options(program, "--suite, --sweep or --seeds 2");
  if (!arguments.baseline.empty()) {
    const FinetuneConfig config = read_config(arguments);
    const TaskResult result = run_bag_of_words(config);
    print(result, config.run.dir, arguments);
    return;
  }
  install_save_signal();
  const LaunchEnvironment environment = launch_environment();
  if (environment.rank > 0) set_log_level(LogLevel::kError);
  FinetuneConfig config = read_config(arguments);
  install_caching_allocator();
  set_num_threads(static_cast<int>(config.run.threads),
                  static_cast<int>(environment.local_world_size), "run.threads");
  if (arguments.dry_run) {
    if (environment.rank > 0) return;
    begin_dry_run(config, environment.world_size, arguments.force_slow_precision);
    std::printf("%s", describe_finetuning(config).c_str());
    return;
  }
  const auto processes = std::make_shared<ProcessGroup>(environment, config.distributed);
  resolve_precision(config, *processes, arguments.force_slow_precision);
  // With several processes, all end together, after a step.
  if (environment.world_size > 1) defer_stop_signals();
  FinetuneRun run(std::move(config), processes);
  defer_stop_signals();  // nothing had to be saved before
  const StopReason reason = run.run();
  if (!processes->is_first()) return;
  if (reason == StopReason::kSignal || reason == StopReason::kSessionEnd) {
    if (reason == StopReason::kSessionEnd) set_stop_signal(SIGTERM);
    log_info(
        "stopped after step " + format_count(run.state().step) +
        (run.config().training.overfit_one_batch
             ? "; nothing of a run on one batch is saved"
             : "; saved in " + run.config().run.dir + "\n  resume with: " + own_command_line()));
    return;
  }
  if (run.result()) print(*run.result(), run.config().run.dir, arguments);
}

}  // namespace

}  // namespace linformer

namespace linformer {
namespace {

void add_suite_options(CLI::App& program, FinetuneArguments& arguments) {
  const auto group = [&](auto* option) { return option->group("Many runs"); };
  std::vector<std::string> suites =
      known_task_names([](const TaskSpec& task) { return task.trained_on.empty(); });
  suites.insert(suites.begin(), "glue");
  group(program.add_option("--suite", arguments.suite,
                           "glue, or task names separated by commas; --data is the parent of the "
                           "tasks' folders"))
      ->check(offers(suites));
  add_many_runs_options(program, arguments, "task");
  CLI::Option* sweep = group(
      program.add_option("--sweep", arguments.sweep,
                         "values to try, e.g. learning_rate=1e-5,2e-5 batch=16,32; the best on "
                         "the held-out set is taken (protocol \"tuned\")"));
  group(program.add_option("--sweep-seeds", arguments.sweep_seeds, "seeds for each setting tried"))
      ->check(takes_between(1, 100))
      ->needs(sweep);
  group(program.add_option("--protocol", arguments.protocols,
                           "task, global, or both: side by side in the tables"));
  group(program.add_flag("--from-mnli", arguments.from_mnli,
                         task_names([](const TaskSpec& task) { return task.starts_from_mnli; }) +
                             " start from the MNLI model of their seed"));
  group(program.add_flag("--keep-models", arguments.keep_models,
                         "keep the best checkpoint of each run"));
  group(program.add_option("--compare", arguments.compare,
                           "folders of other suites to compare with"));
  CLI::Option* submission = group(
      program.add_option("--submission", arguments.submission,
                         "zip archive to write with GLUE's eleven files, from the best seeds"));
  group(program.add_flag("--allow-partial", arguments.allow_partial,
                         "write the archive even where test sets are missing"))
      ->needs(submission);
  group(program.add_flag("--report", arguments.report_only,
                         "train nothing; make the tables from the results in --output"));
}

}  // namespace
}  // namespace linformer

int main(int argc, char** argv) {
  const linformer::ProgramInfo info = linformer::program_info(
      "linformer-finetune",
      {"linformer-finetune --task sst-2 --data glue --model runs/base --output runs/sst-2",
       "linformer-finetune --config finetune.yaml --set training.learning_rate=3e-5",
       "linformer-finetune --suite glue --data glue --model runs/base --output runs/glue \\",
       "    --seeds 5 --jobs 2 --submission glue.zip",
       "linformer-finetune --task reviews --model runs/base --output runs/reviews \\",
       "    --set task.train=[train.csv] --set task.text_column=text --set "
       "task.label_column=stars"});
  return linformer::run_program(argc, argv, info, [](CLI::App& program) {
    auto arguments = std::make_shared<linformer::FinetuneArguments>();
    program.add_flag("--help-config", arguments->config_help,
                     "explain every key of the configuration");
    program.add_option("--config", arguments->config, "YAML file (docs/finetuning.md)");
    program.add_option("--set", arguments->overrides, "KEY=VALUE over the file, e.g. run.seed=2");
    const auto has_train = [](const linformer::TaskSpec& task) { return task.trained_on.empty(); };
    program.add_option("--task", arguments->task, "task.name: one of these, or one of your own")
        ->check(linformer::offers(linformer::known_task_names(has_train)));
    program.add_option("--data", arguments->data, "task.data: folder with the task's files");
    program.add_option(
        "--model", arguments->model,
        "run.init_from: model folder, or a run folder (its newest checkpoint; a fine-tuned "
        "run: its best)");
    program.add_option("--output", arguments->output, "run.dir: folder of this run");
    program.add_option("--seed", arguments->seed, "run.seed");
    program
        .add_option("--baseline", arguments->baseline,
                    "instead of a model: bag-of-words, a linear model of words and pairs of words")
        ->check(linformer::takes_one_of({"bag-of-words"}));
    program.add_flag("--dry-run", arguments->dry_run,
                     "print rows, labels, lengths, steps, hours and memory, or list the runs of a "
                     "suite; write nothing");
    program.add_flag("--force-slow-precision", arguments->force_slow_precision,
                     "compute in training.precision even where it is slower than fp32");
    program.add_flag("--json", arguments->json, "print the result as JSON");
    linformer::add_markdown_option(program);
    linformer::add_suite_options(program, *arguments);
    program.callback([arguments, &program] { linformer::run_finetune(*arguments, program); });
  });
}
