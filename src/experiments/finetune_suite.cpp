#include "linformer/experiments/finetune_suite.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <thread>

#include "job_log.h"

#include "linformer/checkpoint/checkpoint_store.h"
#include "linformer/config/config_file.h"
#include "linformer/core/atomic_file.h"
#include "linformer/core/child_process.h"
#include "linformer/core/clock.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/log.h"
#include "linformer/core/stop_signal.h"
#include "linformer/data/task_registry.h"
#include "linformer/metrics/statistics.h"
#include "linformer/report/progress.h"

namespace linformer {
namespace {

namespace fs = std::filesystem;

/// One run to be done.
struct Job {
  FinetuneConfig config;
  std::string protocol;  ///< for the result: "tuned" where a sweep chose the setting
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
               "choose another --output, or delete the folder");
  }
  return true;
}

TaskResult read_result(const FinetuneConfig& config, const std::string& protocol) {
  const std::string path = result_path(config.run.dir);
  TaskResult result = task_result_from_json(read_text_file(path), path);
  result.protocol = protocol;
  return result;
}

class JobRunner {
 public:
  explicit JobRunner(const SuiteOptions& options) : options_(options) {}

  /// Executes the jobs, `num_jobs` at a time.
  void run(const std::vector<Job>& jobs, std::vector<FailedJob>& failed) {
    std::deque<const Job*> waiting;
    for (const Job& job : jobs) {
      if (!is_done(job.config)) waiting.push_back(&job);
    }
    const size_t total = jobs.size();
    size_t ended = total - waiting.size();
    if (ended > 0)
      log_info(format_count(ended) + " of " + format_count(total) + " runs are done already");
    std::vector<std::unique_ptr<Slot>> running;
    ProgressLine line;
    double shown = steady_seconds();
    while (!waiting.empty() || !running.empty()) {
      if (stop_signal() != 0) {
        line.clear();
        stop(running, failed);
        return;
      }
      if (take_save_request()) {
        for (const auto& slot : running) slot->process->send(SIGUSR1);
      }
      while (!waiting.empty() && static_cast<int64_t>(running.size()) < options_.num_jobs) {
        running.push_back(start(*waiting.front(), running));
        waiting.pop_front();
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      // The signal goes to all jobs. Runs that ended since then did not fail.
      if (stop_signal() != 0) continue;
      std::erase_if(running, [&](const std::unique_ptr<Slot>& slot) {
        const std::optional<int> code = slot->process->poll();
        if (!code) return false;
        ++ended;
        line.clear();
        finish(*slot, *code, std::to_string(ended) + "/" + std::to_string(total), failed);
        return true;
      });
      if (!running.empty() && steady_seconds() - shown >= interval(line)) {
        shown = steady_seconds();
        line.update(status(running, ended, total));
      }
    }
    line.clear();
  }

 private:
  /// Seconds between two lines about the running jobs.
  static double interval(const ProgressLine& line) { return line.is_terminal() ? 1.0 : 30.0; }

  struct Slot {
    const Job* job;
    int64_t number;
    std::unique_ptr<ChildProcess> process;
  };

  std::unique_ptr<Slot> start(const Job& job, const std::vector<std::unique_ptr<Slot>>& running) {
    int64_t number = 0;
    while (std::any_of(running.begin(), running.end(),
                       [&](const auto& slot) { return slot->number == number; })) {
      ++number;
    }
    make_directories(job.config.run.dir);
    FinetuneConfig config = job.config;
    if (config.run.threads == 0) {
      config.run.threads = std::max<int64_t>(1, options_.num_cores / options_.num_jobs);
    }
    const std::string path = config.run.dir + "/job.yaml";
    write_file_atomically(path, dump_yaml(config));
    std::vector<std::string> command;
    if (options_.num_devices > 0) {
      command = {"/usr/bin/env",
                 "CUDA_VISIBLE_DEVICES=" + std::to_string(number % options_.num_devices)};
    }
    command.insert(command.end(), {options_.program, "--config", path});
    return std::make_unique<Slot>(
        Slot{&job, number, std::make_unique<ChildProcess>(command, log_path(job))});
  }

  /// "12/60 runs done | cola/task/seed-1: step 340/5,360 | ETA 12m 04s | ..."
  std::string status(const std::vector<std::unique_ptr<Slot>>& running, size_t ended,
                     size_t total) const {
    std::string text = std::to_string(ended) + "/" + std::to_string(total) + " runs done";
    for (const auto& slot : running) {
      const std::string& folder = slot->job->config.run.dir;
      const fs::path name = fs::path(folder).lexically_relative(options_.output);
      text += " | " + (name.empty() ? folder : name.string()) + ": " +
              progress_of_run(log_path(*slot->job));
    }
    return text;
  }

  static std::string log_path(const Job& job) { return job.config.run.dir + "/run.log"; }

  void finish(const Slot& slot, int code, const std::string& count,
              std::vector<FailedJob>& failed) const {
    const FinetuneConfig& config = slot.job->config;
    if (code != 0 || !fs::exists(result_path(config.run.dir))) {
      failed.push_back({config.run.dir, failure_reason(log_path(*slot.job), code)});
      log_warning(count + " " + config.run.dir + " failed: " + failed.back().reason);
      return;
    }
    const TaskResult result = read_result(config, slot.job->protocol);
    const SetResult& set = result.sets.front();
    log_info(count + " " + config.run.dir + ": " + set.metrics.front().name + " " +
             format_number(set.metrics.front().value));
    if (!options_.keep_models) fs::remove_all(config.run.dir + "/checkpoints");
  }

  void stop(const std::vector<std::unique_ptr<Slot>>& running,
            std::vector<FailedJob>& failed) const {
    for (const auto& slot : running) slot->process->send(SIGTERM);
    int64_t num_saved = 0, num_done = 0, num_others = 0;
    for (const auto& slot : running) {
      const int code = slot->process->wait();
      const FinetuneConfig& config = slot->job->config;
      const bool in_order = is_stop_signal(code - 128) && slot->process->killing_signal() == 0;
      if (code == 0) {
        ++num_done;
        finish(*slot, code, "stopped;", failed);
      } else if (in_order && newest_whole_checkpoint(config.run.dir + "/checkpoints")) {
        ++num_saved;
      } else {
        ++num_others;
        const bool stopped = in_order || is_stop_signal(slot->process->killing_signal());
        log_warning(config.run.dir + " is not saved: " +
                    (stopped ? "it was stopped before its first save"
                             : failure_reason(log_path(*slot->job), code)));
      }
    }
    log_info("stopped; saved: " + std::to_string(num_saved) +
             ", done: " + std::to_string(num_done) + ", not saved: " + std::to_string(num_others) +
             "; the same command continues");
  }

  const SuiteOptions& options_;
};

/// Every combination of the axes' values, as --set arguments.
std::vector<std::vector<std::string>> combinations(const std::vector<SweepAxis>& sweep) {
  std::vector<std::vector<std::string>> result{{}};
  for (const SweepAxis& axis : sweep) {
    std::vector<std::vector<std::string>> longer;
    for (const auto& before : result) {
      for (const std::string& value : axis.values) {
        longer.push_back(before);
        longer.back().push_back(axis.assignment(value));
      }
    }
    result = std::move(longer);
  }
  return result;
}

std::string folder_name(const std::vector<std::string>& overrides) {
  std::string name;
  for (const std::string& text : overrides) {
    const std::string rest = text.substr(text.find_last_of('.', text.find('=')) + 1);
    name += (name.empty() ? "" : ",") + rest;
  }
  for (char& c : name) {
    if (c == '/' || c == ' ') c = '_';
  }
  return name;
}

class Suite {
 public:
  using ConfigFor =
      std::function<FinetuneConfig(const std::string&, Protocol, const std::vector<std::string>&)>;

  Suite(const SuiteOptions& options, const ConfigFor& config_for)
      : options_(options), config_for_(config_for), runner_(options) {}

  SuiteResult run() {
    const std::vector<std::string>& tasks = options_.tasks;
    const bool start_with_mnli = !options_.from_mnli.empty();
    if (start_with_mnli && std::find(tasks.begin(), tasks.end(), "mnli") == tasks.end()) {
      fail_usage("--from-mnli", "mnli is not among the tasks",
                 "add it, or give its model as --model");
    }
    for (const std::string& task : tasks) choose(task);
    std::vector<Job> first, rest;
    for (const std::string& task : tasks) {
      std::vector<Job>& jobs = start_with_mnli && task == "mnli" ? first : rest;
      for (const Protocol protocol : options_.protocols) {
        for (int64_t i = 0; i < options_.num_seeds; ++i) jobs.push_back(job_of(task, protocol, i));
      }
    }
    if (start_with_mnli) run_jobs(first);
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

 private:
  bool tuned(Protocol protocol) const {
    return protocol == Protocol::kTask && !options_.sweep.empty();
  }

  void run_jobs(const std::vector<Job>& jobs) {
    if (stop_signal() == 0) runner_.run(jobs, suite_.failed);
  }

  Job job_of(const std::string& task, Protocol protocol, int64_t number) const {
    const auto chosen = chosen_.find(task);
    const bool use = tuned(protocol) && chosen != chosen_.end();
    FinetuneConfig config =
        config_for_(task, protocol, use ? chosen->second : std::vector<std::string>{});
    const std::string name = use ? "tuned" : std::string(name_of(protocol));
    place_run(config, options_.output + "/" + task + "/" + name, number);
    if (std::find(options_.from_mnli.begin(), options_.from_mnli.end(), task) !=
        options_.from_mnli.end()) {
      config.run.init_from = options_.output + "/mnli/" + name + "/seed-" +
                             std::to_string(config.run.seed) + "/checkpoints/best";
    }
    return {std::move(config), name};
  }

  /// Tries the sweep's settings on a task and keeps the one with the best median.
  void choose(const std::string& task) {
    if (options_.sweep.empty()) return;
    const auto settings = combinations(options_.sweep);
    std::vector<Job> jobs;
    for (const auto& setting : settings) {
      for (int64_t i = 0; i < options_.sweep_seeds; ++i) {
        FinetuneConfig config = config_for_(task, Protocol::kTask, setting);
        place_run(config, options_.output + "/" + task + "/sweep/" + folder_name(setting), i);
        jobs.push_back({std::move(config), "sweep"});
      }
    }
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
    suite_.choices.push_back(task + ": " + folder_name(chosen_.at(task)) + " of " +
                             std::to_string(settings.size()) +
                             " settings, chosen on the held-out set (" + format_number(best) + ")");
    log_info(suite_.choices.back());
  }

  const SuiteOptions& options_;
  const ConfigFor& config_for_;
  JobRunner runner_;
  std::map<std::string, std::vector<std::string>> chosen_;
  SuiteResult suite_;
};

}  // namespace

SweepAxis SweepAxis::parse(const std::string& text) {
  const size_t equals = text.find('=');
  SweepAxis axis{text.substr(0, equals), {}};
  std::string rest = equals == std::string::npos ? "" : text.substr(equals + 1);
  for (size_t begin = 0; begin < rest.size();) {
    const size_t end = std::min(rest.find(',', begin), rest.size());
    if (end > begin) axis.values.push_back(rest.substr(begin, end - begin));
    begin = end + 1;
  }
  if (axis.key.empty() || axis.values.empty()) {
    fail_usage("--sweep", "'" + text + "' is not a list of values of a key",
               "write e.g. learning_rate=1e-5,2e-5,3e-5");
  }
  static const std::map<std::string, std::string> kShortNames{
      {"learning_rate", "training.learning_rate"},
      {"batch", "training.global_batch_size"},
      {"epochs", "finetune.epochs"}};
  if (const auto known = kShortNames.find(axis.key); known != kShortNames.end()) {
    axis.key = known->second;
  } else if (axis.key.find('.') == std::string::npos) {
    fail_usage("--sweep", "'" + axis.key + "' is not a key",
               "write learning_rate, batch, epochs, or a whole key such as finetune.layer_decay");
  }
  return axis;
}

std::string SweepAxis::assignment(const std::string& value) const {
  return key + "=" + value;
}

void place_run(FinetuneConfig& config, const std::string& folder, int64_t number) {
  config.run.seed += number;
  if (config.task.folds > 0) config.task.fold = number % config.task.folds;
  config.run.dir = folder + "/seed-" + std::to_string(config.run.seed);
}

SuiteResult run_suite(
    const SuiteOptions& options,
    const std::function<FinetuneConfig(const std::string& task, Protocol protocol,
                                       const std::vector<std::string>& overrides)>& config_for) {
  return Suite(options, config_for).run();
}

}  // namespace linformer
