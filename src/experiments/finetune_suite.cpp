#include "linformer/experiments/finetune_suite.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include "job_queue.h"

#include "linformer/config/config_file.h"
#include "linformer/config/setting_names.h"
#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/log.h"
#include "linformer/core/stop_signal.h"
#include "linformer/data/task_registry.h"
#include "linformer/metrics/percent.h"
#include "linformer/metrics/statistics.h"

namespace linformer {
namespace {

namespace fs = std::filesystem;

constexpr const char* kTuned = "tuned";

/// One run to be done.
struct Job {
  FinetuneConfig config;
  std::string protocol;  ///< for the result: "tuned" where a sweep chose the setting
  std::string setting;   ///< of the sweep, in words; "": none
};

/// Settings that make a run a different one: all but the number of threads.
std::string comparable(FinetuneConfig config) {
  config.run.threads = 0;
  return settings_text(fields_of(config));
}

bool is_done(const FinetuneConfig& config) {
  if (!fs::exists(result_path(config.run.dir))) return false;
  const FinetuneConfig before =
      load_finetune_config(config.run.dir + "/config.yaml", {}, recipe_of_task);
  FinetuneConfig now = config;
  // The run has chosen, and would keep it.
  if (now.training.precision == Precision::kAuto)
    now.training.precision = before.training.precision;
  if (const auto changed = first_changed_setting(comparable(now), comparable(before))) {
    fail_usage(config.run.dir,
               "is done with other settings: " + changed->key + " is " + changed->value + ", was " +
                   changed->other,
               "choose another " + setting_name("run.dir") + ", or delete the folder");
  }
  return true;
}

TaskResult read_result(const FinetuneConfig& config, const std::string& protocol) {
  const std::string path = result_path(config.run.dir);
  TaskResult result = task_result_from_json(read_text_file(path), path);
  result.protocol = protocol;
  return result;
}

/// The runs of these jobs in a queue.
class JobRunner {
 public:
  explicit JobRunner(const SuiteOptions& options) : options_(options) {}

  void run(const std::vector<Job>& jobs, std::vector<FailedJob>& failed) const {
    std::vector<QueuedRun> runs;
    for (const Job& job : jobs) {
      FinetuneConfig config = job.config;
      config.run.threads = threads_of_run(config.run.threads, options_);
      runs.push_back({config.run.dir, dump_yaml(config), is_done(job.config),
                      [this, &job] { return finish(job); }});
    }
    execute_runs(runs, options_, failed);
  }

 private:
  std::optional<std::string> finish(const Job& job) const {
    const FinetuneConfig& config = job.config;
    if (!fs::exists(result_path(config.run.dir))) return std::nullopt;
    const MetricValue metric = read_result(config, job.protocol).sets.front().metrics.front();
    if (!options_.keep_models) fs::remove_all(config.run.dir + "/checkpoints");
    return metric.name + " " + percent_text(metric.value);
  }

  const SuiteOptions& options_;
};

class Suite {
 public:
  Suite(const SuiteOptions& options, const ConfigOfTask& config_for)
      : options_(options), config_for_(config_for), runner_(options) {}

  SuiteResult run() {
    check();
    const std::vector<std::string>& tasks = options_.tasks;
    for (const std::string& task : tasks) choose(task);
    std::vector<Job> first, rest;
    for (const std::string& task : tasks) {
      std::vector<Job>& jobs = starts_with_mnli() && task == "mnli" ? first : rest;
      for (Job& job : jobs_of(task)) jobs.push_back(std::move(job));
    }
    if (starts_with_mnli()) run_jobs(first);
    run_jobs(rest);
    first.insert(first.end(), rest.begin(), rest.end());
    for (const Job& job : first) {
      if (fs::exists(result_path(job.config.run.dir))) {
        suite_.results.push_back(read_result(job.config, job.protocol));
      }
    }
    suite_.complete = stop_signal() == 0;
    return std::move(suite_);
  }

  TableRows planned() {
    check();
    TableRows rows{{"run", "task", "protocol", "seed", "setting", "state"}};
    const std::string best =
        "the best of " + format_count(std::ssize(combinations(options_.sweep)), "setting");
    const auto add = [&](const std::string& task, const Job& job) {
      const std::string& folder = job.config.run.dir;
      // What a sweep will choose is not known yet, so neither is whether a result is of it.
      const bool tuned = job.protocol == kTuned;
      const bool has_result = tuned && fs::exists(result_path(folder));
      rows.push_back(
          {folder, task, job.protocol, std::to_string(job.config.run.seed),
           tuned                 ? best
           : job.setting.empty() ? "as configured"
                                 : job.setting,
           has_result ? "has a result" : planned_state(folder, !tuned && is_done(job.config))});
    };
    for (const std::string& task : options_.tasks) {
      for (const Job& job : trials_of(task)) add(task, job);
      if (!options_.sweep.empty()) chosen_[task] = {};
      for (const Job& job : jobs_of(task)) add(task, job);
    }
    return rows;
  }

 private:
  bool starts_with_mnli() const { return !options_.from_mnli.empty(); }

  void check() const {
    const std::vector<std::string>& tasks = options_.tasks;
    if (starts_with_mnli() && std::find(tasks.begin(), tasks.end(), "mnli") == tasks.end()) {
      fail_usage("--from-mnli", "mnli is not among the tasks",
                 "add it, or give its model as --model");
    }
    for (const std::string& task : tasks) check_sweep(task);
  }

  bool tuned(Protocol protocol) const {
    return protocol == Protocol::kTask && !options_.sweep.empty();
  }

  std::vector<Job> jobs_of(const std::string& task) const {
    std::vector<Job> jobs;
    for (const Protocol protocol : options_.protocols) {
      for (int64_t i = 0; i < options_.num_seeds; ++i) jobs.push_back(job_of(task, protocol, i));
    }
    return jobs;
  }

  /// The runs that try the sweep's settings on a task.
  std::vector<Job> trials_of(const std::string& task) const {
    std::vector<Job> jobs;
    if (options_.sweep.empty()) return jobs;
    for (const auto& setting : combinations(options_.sweep)) {
      for (int64_t i = 0; i < options_.sweep_seeds; ++i) {
        FinetuneConfig config = config_for_(task, Protocol::kTask, setting);
        const std::string name = setting_folder(setting);
        place_run(config, options_.output + "/" + task + "/sweep/" + name, i);
        jobs.push_back({std::move(config), "sweep", name});
      }
    }
    return jobs;
  }

  void run_jobs(const std::vector<Job>& jobs) {
    if (stop_signal() == 0) runner_.run(jobs, suite_.failed);
  }

  Job job_of(const std::string& task, Protocol protocol, int64_t number) const {
    const auto chosen = chosen_.find(task);
    const bool use = tuned(protocol) && chosen != chosen_.end();
    FinetuneConfig config =
        config_for_(task, protocol, use ? chosen->second : std::vector<std::string>{});
    const std::string name = use ? kTuned : std::string(name_of(protocol));
    place_run(config, options_.output + "/" + task + "/" + name, number);
    if (std::find(options_.from_mnli.begin(), options_.from_mnli.end(), task) !=
        options_.from_mnli.end()) {
      config.run.init_from = options_.output + "/mnli/" + name + "/seed-" +
                             std::to_string(config.run.seed) + "/checkpoints/best";
    }
    return {std::move(config), name, ""};
  }

  void check_sweep(const std::string& task) const {
    const auto settings = combinations(options_.sweep);
    std::vector<std::string> configured;
    for (const auto& setting : settings) {
      configured.push_back(comparable(config_for_(task, Protocol::kTask, setting)));
    }
    check_distinct(settings, configured);
  }

  /// Tries the sweep's settings on a task and keeps the one with the best median.
  void choose(const std::string& task) {
    if (options_.sweep.empty()) return;
    const auto settings = combinations(options_.sweep);
    const std::vector<Job> jobs = trials_of(task);
    run_jobs(jobs);
    if (stop_signal() != 0) return;
    double best = -2.0;
    for (size_t s = 0; s < settings.size(); ++s) {
      std::vector<double> scores;
      for (int64_t i = 0; i < options_.sweep_seeds; ++i) {
        const Job& job =
            jobs[s * static_cast<size_t>(options_.sweep_seeds) + static_cast<size_t>(i)];
        if (!fs::exists(result_path(job.config.run.dir))) continue;
        suite_.sweep.push_back(read_result(job.config, job.protocol));
        scores.push_back(suite_.sweep.back().score());
      }
      if (scores.empty() || median_of(scores) <= best) continue;
      best = median_of(scores);
      chosen_[task] = settings[s];
    }
    if (chosen_.count(task) == 0) return;
    suite_.choices.push_back(task + ": " + setting_folder(chosen_.at(task)) + " of " +
                             std::to_string(settings.size()) +
                             " settings, chosen on the held-out set (" + percent_text(best) + ")");
    log_info(suite_.choices.back());
  }

  const SuiteOptions& options_;
  const ConfigOfTask& config_for_;
  JobRunner runner_;
  std::map<std::string, std::vector<std::string>> chosen_;
  SuiteResult suite_;
};

}  // namespace

std::vector<SweepAxis> finetune_sweep(const std::vector<std::string>& axes) {
  FinetuneConfig config;
  const SweepKeys keys{{{"learning_rate", "training.learning_rate"},
                        {"batch", "training.global_batch_size"},
                        {"epochs", "finetune.epochs"}},
                       fields_of(config),
                       "finetune.layer_decay"};
  return parse_sweep(axes, keys);
}

void place_run(FinetuneConfig& config, const std::string& folder, int64_t number) {
  config.run.seed += number;
  if (config.task.folds > 0) config.task.fold = number % config.task.folds;
  config.run.dir = folder + "/seed-" + std::to_string(config.run.seed);
}

SuiteResult run_suite(const SuiteOptions& options, const ConfigOfTask& config_for) {
  return Suite(options, config_for).run();
}

TableRows planned_table(const SuiteOptions& options, const ConfigOfTask& config_for) {
  return Suite(options, config_for).planned();
}

}  // namespace linformer
