// linformer-train: masked-LM pre-training.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "dry_run_checks.h"
#include "option_checks.h"
#include "programs.h"
#include "table_output.h"
#include "train_sweep.h"

#include "linformer/analysis/resume_check.h"
#include "linformer/checkpoint/checkpoint_store.h"
#include "linformer/checkpoint/find_model.h"
#include "linformer/config/config_file.h"
#include "linformer/config/setting_names.h"
#include "linformer/core/child_process.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/json_text.h"
#include "linformer/core/log.h"
#include "linformer/core/mark_file.h"
#include "linformer/core/missing_path.h"
#include "linformer/core/processors.h"
#include "linformer/core/stop_signal.h"
#include "linformer/dist/process_group.h"
#include "linformer/kernels/caching_allocator.h"
#include "linformer/kernels/thread_setup.h"
#include "linformer/objectives/dry_run.h"
#include "linformer/objectives/pretraining_run.h"
#include "linformer/objectives/resolve_precision.h"
#include "linformer/train/trainer.h"

namespace linformer {

namespace {

struct TrainArguments {
  std::string config;
  std::string output;
  std::vector<std::string> overrides;
  bool dry_run = false;
  bool overfit_one_batch = false;
  bool config_help = false;
  std::string expect;
  bool force_slow_precision = false;
  bool verify_resume = false;
  int64_t verify_steps = 20;
  int64_t verify_kills = 3;
  int64_t verify_processes = 2;
  SweepArguments sweep;
};

/// The options that stand for keys, as --set arguments, and those of --set.
std::vector<std::string> assignments(const TrainArguments& arguments) {
  std::vector<std::string> result;
  if (!arguments.output.empty()) {
    result.push_back(quoted_assignment("run.dir", arguments.output));
    name_setting("run.dir", "--output");
  }
  result.insert(result.end(), arguments.overrides.begin(), arguments.overrides.end());
  return result;
}

/// The command line that resumes this run, for the user to copy.
std::string command_line(const TrainArguments& arguments) {
  std::string line = "linformer-train --config " + arguments.config;
  if (!arguments.output.empty()) line += " --output " + arguments.output;
  for (const std::string& assignment : arguments.overrides) line += " --set '" + assignment + "'";
  if (arguments.force_slow_precision) line += " --force-slow-precision";
  if (!arguments.expect.empty()) line += " --expect " + arguments.expect;
  if (arguments.sweep.json) line += " --json";
  return line;
}

/// The file that --expect names; without it configs/expected/NAME.yaml for configs/.../NAME.yaml,
/// if there is one.
std::optional<Expectation> expectation_of(const TrainArguments& arguments) {
  namespace fs = std::filesystem;
  if (arguments.expect == "none") return std::nullopt;
  if (!arguments.expect.empty()) {
    if (!fs::exists(arguments.expect)) {
      fail_missing(arguments.expect, "there is no such file of an expected curve",
                   "configs/expected holds those of the shipped configurations; linformer-report "
                   "expected makes others");
    }
    return Expectation{read_expected_file(arguments.expect), Expectation::Origin::kNamed};
  }
  const fs::path config(arguments.config);
  const fs::path found = (config.parent_path() / ".." / "expected" / config.filename());
  if (!fs::exists(found)) return std::nullopt;
  return Expectation{read_expected_file(found.lexically_normal().string()),
                     Expectation::Origin::kFound};
}

void print_json(const PretrainingRun& trainer, StopReason reason) {
  using Json = nlohmann::ordered_json;
  const std::string& folder = trainer.config().run.dir;
  const bool saved = !trainer.config().training.overfit_one_batch;
  Json json{{"run", folder},
            {"end", words_of(reason)},
            {"step", trainer.state().step},
            {"tokens", trainer.state().num_tokens}};
  // Numbers that are not finite, such as the loss of no prediction, become null.
  if (const auto& evaluation = trainer.last_evaluation()) {
    json["valid_loss"] = evaluation->model.mean();
    json["valid_perplexity"] = evaluation->model.perplexity();
    json["unigram_perplexity"] = evaluation->unigram->perplexity();
  }
  if (const std::vector<BandCheck> checks = trainer.band_checks(); !checks.empty()) {
    const auto outside = std::count_if(checks.begin(), checks.end(), [](const BandCheck& check) {
      return check.place != BandCheck::Place::kInside;
    });
    json["expected"] = {{"comparisons", checks.size()}, {"outside", outside}};
  }
  if (saved) json["model"] = follow_marks(folder + "/checkpoints/latest");
  json["log"] = folder + "/log.jsonl";
  std::printf("%s\n", json_text(json, 2).c_str());
}

void print_result(const PretrainingRun& trainer, const TrainArguments& arguments) {
  const std::string folder = trainer.config().run.dir;
  const auto& evaluation = trainer.last_evaluation();
  if (evaluation && evaluation->model.masked_tokens == 0) {
    std::printf("held-out perplexity: nothing of the held-out text was masked\n");
  } else if (evaluation) {
    std::printf("held-out perplexity %s at step %s (unigram model %s)\n",
                format_number(evaluation->model.perplexity()).c_str(),
                format_count(trainer.state().step).c_str(),
                format_number(evaluation->unigram->perplexity()).c_str());
  }
  if (const std::vector<BandCheck> checks = trainer.band_checks(); !checks.empty()) {
    std::printf("expected curve: %s\n", band_verdict(checks).c_str());
  } else if (!arguments.expect.empty() && arguments.expect != "none") {
    std::printf("expected curve: no evaluation of this run is at a step of %s\n",
                arguments.expect.c_str());
  }
  if (!trainer.config().training.overfit_one_batch) {
    std::printf("model folder: %s\n", follow_marks(folder + "/checkpoints/latest").c_str());
  }
  std::printf("log:          %s/log.jsonl\n", folder.c_str());
}

void report_end(const PretrainingRun& trainer, StopReason reason, const TrainArguments& arguments) {
  const std::string step = format_count(trainer.state().step);
  const std::string what_is_left = trainer.config().training.overfit_one_batch
                                       ? "; nothing of a run on one batch is saved"
                                       : "; saved in " + trainer.config().run.dir +
                                             "\n  resume with: " + command_line(arguments);
  switch (reason) {
    case StopReason::kSignal:
      log_info("stopped by a signal after step " + step + what_is_left);
      return;
    case StopReason::kSessionEnd:
      set_stop_signal(SIGTERM);  // exit code of a program that can be resumed
      log_info("the session's time is up after step " + step + what_is_left);
      return;
    case StopReason::kFinished:
      log_info("finished at step " + step);
      break;
    case StopReason::kEarlyStop:
      log_info("stopped early at step " + step + ": " +
               std::to_string(trainer.state().evaluations_since_best) +
               " evaluations without a better one");
      break;
    case StopReason::kTimeBudget:
      log_info("time is up at step " + step + " (training.max_hours)");
      break;
  }
  if (arguments.sweep.json) {
    print_json(trainer, reason);
  } else {
    print_result(trainer, arguments);
  }
}

/// Trains, kills and resumes runs of this configuration and compares the results.
void run_resume_check(const TrainArguments& arguments, PretrainConfig config) {
  ProcessGroup alone;
  resolve_precision(config, alone, arguments.force_slow_precision);
  ResumeCheckOptions options;
  options.folder = config.run.dir + "/verify-resume";
  const std::string program = this_program();
  options.trainer = {program};
  if (arguments.force_slow_precision) options.trainer.push_back("--force-slow-precision");
  options.launcher = (std::filesystem::path(program).parent_path() / "linformer-launch").string();
  options.steps = arguments.verify_steps;
  options.kills = arguments.verify_kills;
  options.processes = arguments.verify_processes;
  options.seed = static_cast<uint64_t>(::getpid());
  defer_stop_signals();  // the runs that it has started are ended with it
  check_resume(config, options, [](const std::string& line) { log_info(line); });
  std::printf("resuming is exact: %s kills, runs in %s\n",
              format_count(arguments.verify_kills).c_str(), options.folder.c_str());
}

void run_train(const TrainArguments& arguments, const CLI::App& program) {
  if (arguments.config_help) {
    std::printf("%s", config_help<PretrainConfig>().c_str());
    return;
  }
  if (arguments.sweep.json && (arguments.dry_run || arguments.verify_resume)) {
    fail_usage("--json",
               "prints the result of training, and " +
                   std::string(arguments.dry_run ? "a dry run" : "--verify-resume") + " has none",
               "leave one out");
  }
  if (!arguments.sweep.given()) refuse_many_runs_options(program, "--sweep or --seeds 2");
  if (arguments.sweep.given() && (arguments.verify_resume || arguments.overfit_one_batch)) {
    fail_usage(arguments.verify_resume ? "--verify-resume" : "--overfit-one-batch",
               "checks a single run", "leave out the options for many runs");
  }
  if (arguments.sweep.given() && !arguments.expect.empty()) {
    fail_usage("--expect", "compares a single run", "leave out the options for many runs");
  }
  install_save_signal();
  const LaunchEnvironment environment = launch_environment();
  // One process prints the results for all; the others only print errors.
  if (environment.rank > 0) set_log_level(LogLevel::kError);
  if (arguments.sweep.given()) {
    if (environment.world_size > 1) {
      fail_usage("--sweep", "its runs are processes of their own",
                 "start linformer-train without linformer-launch; --jobs N and --devices N spread "
                 "the runs");
    }
    run_train_sweep(arguments.sweep, {arguments.config, assignments(arguments), arguments.output,
                                      arguments.dry_run});
    return;
  }
  auto config = load_config<PretrainConfig>(arguments.config, assignments(arguments));
  if (arguments.overfit_one_batch) {
    config.training.overfit_one_batch = true;
    config.run.dir += "-overfit";
  }
  for (const std::string& remark : lint(config)) log_warning(remark);
  if (arguments.verify_resume) {
    run_resume_check(arguments, config);
    return;
  }
  install_caching_allocator();
  const int threads =
      set_num_threads(static_cast<int>(config.run.threads),
                      static_cast<int>(environment.local_world_size), "run.threads");
  check_threads("data.loader_threads", config.data.loader_threads);
  if (arguments.dry_run) {
    if (environment.rank > 0) return;
    begin_dry_run(config, environment.world_size, arguments.force_slow_precision);
    if (!config.run.init_from.empty()) find_model_folder(config.run.init_from);
    expectation_of(arguments);
    std::printf("%s", describe_run(config).c_str());
    return;
  }
  const auto processes = std::make_shared<ProcessGroup>(environment, config.distributed);
  resolve_precision(config, *processes, arguments.force_slow_precision);
  // With several processes, all end together, after a step.
  if (environment.world_size > 1) defer_stop_signals();
  std::optional<Expectation> expected;
  if (!config.training.overfit_one_batch) expected = expectation_of(arguments);
  PretrainingRun trainer(std::move(config), processes, std::move(expected));
  const std::string others =
      environment.world_size > 1 ? std::to_string(environment.world_size) + " processes with " : "";
  log_info(format_count(trainer.model().parameters().count(), "parameter") + ", " + others +
           format_count(threads, "thread") + ", run folder " + trainer.config().run.dir);
  defer_stop_signals();  // nothing had to be saved before
  const StopReason reason = trainer.run();
  if (processes->is_first()) report_end(trainer, reason, arguments);
}

}  // namespace

}  // namespace linformer

int main(int argc, char** argv) {
  const linformer::ProgramInfo info = linformer::program_info(
      "linformer-train",
      {"linformer-train --config configs/pretrain/sample.yaml",
       "linformer-train --config configs/pretrain/sample.yaml --dry-run",
       "linformer-train --config pretrain.yaml --set model.attention.projected_length=64 \\",
       "    --output runs/k64",
       "linformer-train --config pretrain.yaml --sweep learning_rate=1e-3,2e-3 batch=8,16 \\",
       "    --seeds 2 --jobs 2 --output runs/sweep"});
  return linformer::run_program(argc, argv, info, [](CLI::App& program) {
    auto arguments = std::make_shared<linformer::TrainArguments>();
    CLI::Option* help = program.add_flag("--help-config", arguments->config_help,
                                         "explain every key of the configuration");
    program.add_option("--config", arguments->config, "YAML file (docs/configuration.md)");
    program.add_option("--set", arguments->overrides, "KEY=VALUE over the file, e.g. run.seed=2");
    program.add_option("--output", arguments->output,
                       "run.dir: folder of this run, or of all runs of a sweep");
    program.add_option(
        "--expect", arguments->expect,
        "file of configs/expected: compare the run with it, and warn when it leaves the band; "
        "found by the name of the configuration, none = do not compare");
    program.add_flag("--dry-run", arguments->dry_run,
                     "print parameters, memory, tokens, hours and schedule; write nothing");
    program.add_flag("--force-slow-precision", arguments->force_slow_precision,
                     "compute in training.precision even where it is slower than fp32");
    program.add_flag(
        "--overfit-one-batch", arguments->overfit_one_batch,
        "train on the first batch only, in the run folder with -overfit appended; the loss has "
        "to fall towards 0");
    CLI::Option* overfit = program.get_option("--overfit-one-batch");
    CLI::Option* verify = program.add_flag(
        "--verify-resume", arguments->verify_resume,
        "train a few steps, kill -9 at random moments, resume, and compare every bit; also on "
        "another number of processes (in RUN.DIR/verify-resume)");
    verify->excludes(overfit)->excludes(program.get_option("--dry-run"));
    program.add_option("--verify-steps", arguments->verify_steps, "half of the steps of each run")
        ->needs(verify)
        ->check(linformer::takes_between(4, 1 << 20));
    program.add_option("--verify-kills", arguments->verify_kills, "runs that are killed")
        ->needs(verify)
        ->check(linformer::takes_between(1, 10000));
    program
        .add_option("--verify-processes", arguments->verify_processes,
                    "processes for one more resumed run; 1 = skip it")
        ->needs(verify)
        ->check(linformer::takes_between(1, 64));
    linformer::add_markdown_option(program);
    linformer::add_sweep_options(program, arguments->sweep);
    program.callback([arguments, help, &program] {
      if (help->count() == 0 && arguments->config.empty()) {
        throw CLI::RequiredError("--config");
      }
      linformer::run_train(*arguments, program);
    });
  });
}
