#include "linformer/experiments/experiment_runner.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <ctime>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <system_error>
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
#include "linformer/kernels/compute_device.h"
#include "linformer/kernels/matmul_peak.h"
#include "linformer/metrics/percent.h"
#include "linformer/report/progress.h"

namespace linformer {
namespace {

namespace fs = std::filesystem;

constexpr auto kPollInterval = std::chrono::milliseconds(20);
/// Small models reach about these shares of the matrix-multiply peak.
constexpr double kTypicalShareOfPeak = 0.35;
constexpr double kTypicalShareOfDevicePeak = 0.1;

const char* type_name(RunType type) {
  static constexpr const char* kNames[] = {"pretraining", "finetuning", "measurement"};
  return kNames[static_cast<size_t>(type)];
}

std::string settings_path(const PlannedRun& run) {
  return run.folder + "/settings.txt";
}
std::string log_path(const PlannedRun& run) {
  return run.folder + "/run.log";
}

/// A file that a training run's folder has from its start until its record is written.
std::string unfinished_path(const PlannedRun& run) {
  return run.folder + "/unfinished";
}

/// Whether the folder holds the model at the end of training. A run that was stopped leaves the
/// model of an earlier step, which nothing may measure.
bool has_model(const PlannedRun& run, const RunRecord& record) {
  const std::string checkpoints = run.folder + "/checkpoints";
  if (fs::exists(unfinished_path(run)) || !fs::exists(checkpoints)) return false;
  try {
    const std::optional<Checkpoint> newest = newest_whole_checkpoint(checkpoints);
    const std::vector<CurvePoint> curve = curve_of(record);
    return newest && (curve.empty() || newest->step >= curve.back().step);
  } catch (const RunError&) {
    return false;  // all are broken: the training program says so
  }
}

/// Refuses a folder that was begun with other settings.
void check_folder(const PlannedRun& run, const std::string& output) {
  std::string before;
  const std::string record = record_path(output, run.id());
  if (fs::exists(settings_path(run))) {
    before = read_text_file(settings_path(run));
  } else if (fs::exists(record)) {
    before = run_record_from_json(read_text_file(record), record).settings;
  } else {
    return;
  }
  const auto changed = first_changed_setting(run.settings, before);
  if (!changed) return;
  fail_usage(run.folder,
             "holds a run of another configuration: " + changed->key + " is " + changed->value +
                 ", was " + changed->other,
             "choose another --output, or delete this folder and " + record);
}

std::string today() {
  const std::time_t now = std::time(nullptr);
  char text[16];
  std::tm utc{};
  gmtime_r(&now, &utc);
  std::strftime(text, sizeof(text), "%Y-%m-%d", &utc);
  return text;
}

/// The command as one would type it into a shell.
std::string joined(const std::vector<std::string>& command) {
  std::string line;
  for (const std::string& word : command) {
    const bool plain =
        !word.empty() && word.find_first_of(" \t\n'\"\\*?$`&|;<>()[]{}~#!") == std::string::npos;
    std::string typed = plain ? word : "'";
    for (size_t i = 0; !plain && i < word.size(); ++i) {
      typed += word[i] == '\'' ? "'\\''" : std::string(1, word[i]);
    }
    line += (line.empty() ? "" : " ") + typed + (plain ? "" : "'");
  }
  return line;
}

/// What a finished run says in one line.
std::string summary(const RunRecord& record) {
  for (const std::string key : {"perplexity", "sets.0.metrics.accuracy", "accuracy"}) {
    if (const auto value = value_of(record, key)) {
      const std::string name = key.substr(key.rfind('.') + 1);
      return name + " " + figure_text(name, *value);
    }
  }
  return "measured";
}

/// What an action throws, as a text; "" if it succeeds. One run's trouble leaves the others alone.
template <class Action>
std::string problem_of(const Action& action) {
  try {
    action();
    return "";
  } catch (const Error& error) {
    return error.what();
  } catch (const std::system_error& error) {
    return error.what();
  }
}

class Runner {
 public:
  Runner(const ExperimentPlan& plan, const RunnerOptions& options)
      : plan_(plan), options_(options), clock_(options.flops_per_second) {
    result_.outcomes.resize(plan.runs.size());
    result_.records = options.known;
    for (auto& [hash, record] : read_records(options.output)) {
      result_.records.insert_or_assign(hash, record);
    }
  }

  RunnerResult run() {
    waiting_ = missing_runs(plan_, result_.records, options_.output);
    total_ = waiting_.size();
    if (options_.flops_per_second <= 0.0 && total_ > 0) {
      clock_ = RunClock(expected_flops_per_second(options_.num_jobs));
    }
    const std::set<size_t> missing(waiting_.begin(), waiting_.end());
    for (size_t i = 0; i < plan_.runs.size(); ++i) {
      const bool recorded = result_.records.count(plan_.runs[i].hash) > 0;
      if (recorded) result_.outcomes[i].state = RunState::kDone;
      if (recorded && !missing.count(i)) ready_.insert(i);
    }
    say_what_is_left();
    while (!waiting_.empty() || !running_.empty()) {
      if (stop_signal() != 0) {
        line_.clear();
        stop();
        break;
      }
      start_runs();
      std::this_thread::sleep_for(kPollInterval);
      if (stop_signal() != 0) continue;  // the signal goes to all runs: they did not fail
      poll();
      show_running();
    }
    line_.clear();
    take_equal_runs();
    result_.complete = stop_signal() == 0;
    return std::move(result_);
  }

 private:
  struct Slot {
    size_t run;
    size_t command = 0;
    double start = 0.0;
    std::unique_ptr<ChildProcess> process;
  };

  void say_what_is_left() const {
    const size_t done = static_cast<size_t>(
        std::count_if(result_.outcomes.begin(), result_.outcomes.end(),
                      [](const RunOutcome& one) { return one.state == RunState::kDone; }));
    log_info(format_count(static_cast<int64_t>(plan_.runs.size()), "run") + ", " +
             format_count(static_cast<int64_t>(done)) + " of them done already; " +
             format_count(static_cast<int64_t>(total_)) + " to execute, about " +
             format_duration(seconds_left()));
  }

  double seconds_left() const {
    double shared = 0.0, alone = 0.0;
    for (const size_t i : waiting_) {
      (plan_.runs[i].alone ? alone : shared) += clock_.seconds_of(plan_.runs[i]);
    }
    for (const auto& slot : running_) {
      shared += std::max(
          0.0, clock_.seconds_of(plan_.runs[slot->run]) - (steady_seconds() - slot->start));
    }
    return shared / static_cast<double>(options_.num_jobs) + alone;
  }

  /// Whether the run's model is there, or will never be.
  enum class Needs { kMet, kOpen, kFailed };
  Needs needs_of(const PlannedRun& run) const {
    if (!run.model) return Needs::kMet;
    const size_t model = standing_for(*run.model);
    if (ready_.count(model)) return Needs::kMet;
    const RunState state = result_.outcomes[model].state;
    return state == RunState::kFailed || state == RunState::kBlocked ? Needs::kFailed
                                                                     : Needs::kOpen;
  }
  size_t standing_for(size_t i) const { return plan_.runs[i].same_as.value_or(i); }

  void start_runs() {
    for (size_t w = 0; w < waiting_.size();) {
      const size_t i = waiting_[w];
      const PlannedRun& run = plan_.runs[i];
      const Needs needs = needs_of(run);
      if (needs == Needs::kFailed) {
        result_.outcomes[i] = {RunState::kBlocked,
                               plan_.runs[*run.model].id() + ", whose model it reads, failed"};
        ++ended_;
        waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(w));
        w = 0;
        continue;
      }
      const bool free = run.alone
                            ? running_.empty()
                            : !alone_ && static_cast<int64_t>(running_.size()) < options_.num_jobs;
      if (needs == Needs::kMet && free) {
        waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(w));
        start(i);
        if (run.alone) return;
        w = 0;
        continue;
      }
      ++w;
    }
  }

  void start(size_t i) {
    const PlannedRun& run = plan_.runs[i];
    auto slot = std::make_unique<Slot>(Slot{i, 0, steady_seconds(), nullptr});
    const std::string problem = problem_of([&] {
      prepare_folder(run);
      start_command(*slot);
    });
    if (!problem.empty()) return note_failure(i, problem);
    running_.push_back(std::move(slot));
    alone_ = run.alone;
  }

  static void prepare_folder(const PlannedRun& run) {
    // A measurement begins anew; training goes on from what its folder has.
    if (run.type == RunType::kMeasurement) fs::remove_all(run.folder);
    make_directories(run.folder);
    if (run.type != RunType::kMeasurement) write_file_atomically(unfinished_path(run), "");
    write_file_atomically(settings_path(run), run.settings);
    fs::remove(log_path(run));
  }

  void start_command(Slot& slot) const {
    const PlannedRun& run = plan_.runs[slot.run];
    std::vector<std::string> command = run.commands[slot.command];
    const std::string threads = std::to_string(threads_of(run));
    replace_model(run, command);
    if (run.type != RunType::kMeasurement) {
      command.push_back("run.threads=" + threads);
    } else if (command.front() == "linformer-eval" || command.front() == "linformer-bench") {
      command.insert(command.end(), {"--threads", threads});
    }
    if (command.front().find('/') == std::string::npos) {
      command.front() = options_.programs + "/" + command.front();
    }
    const bool last = slot.command + 1 == run.commands.size();
    std::string output = log_path(run);
    if (run.type == RunType::kMeasurement && last) {
      output = output_path(run);
      fs::remove(output);
    }
    slot.process = std::make_unique<ChildProcess>(command, output, log_path(run));
  }

  /// The model of an equal run is read where that run was executed.
  void replace_model(const PlannedRun& run, std::vector<std::string>& command) const {
    if (!run.model) return;
    const std::string& named = plan_.runs[*run.model].folder;
    const std::string& real = plan_.runs[standing_for(*run.model)].folder;
    if (named == real) return;
    for (std::string& word : command) {
      const size_t at = word.find(named);
      if (at != std::string::npos) word.replace(at, named.size(), real);
    }
  }

  int64_t threads_of(const PlannedRun& run) const {
    return run.alone ? options_.num_cores
                     : std::max<int64_t>(1, options_.num_cores / options_.num_jobs);
  }

  void poll() {
    for (size_t s = 0; s < running_.size();) {
      Slot& slot = *running_[s];
      const std::optional<int> code = slot.process->poll();
      if (!code) {
        ++s;
        continue;
      }
      std::string problem;
      if (*code == 0 && slot.command + 1 < plan_.runs[slot.run].commands.size()) {
        ++slot.command;
        problem = problem_of([&] { start_command(slot); });
        if (problem.empty()) {
          ++s;
          continue;
        }
      } else if (*code == 0) {
        problem = problem_of([&] { write_record(slot); });
      } else {
        problem = failure_reason(log_path(plan_.runs[slot.run]), *code);
      }
      if (problem.empty()) {
        note_success(slot);
      } else {
        note_failure(slot.run, problem);
      }
      alone_ = false;
      running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(s));
    }
  }

  /// "3/12 ", counted on.
  std::string next_count() { return std::to_string(++ended_) + "/" + std::to_string(total_) + " "; }

  void note_failure(size_t i, const std::string& reason) {
    line_.clear();
    result_.outcomes[i] = {RunState::kFailed, reason};
    log_warning(next_count() + plan_.runs[i].id() + " failed: " + reason);
  }

  void note_success(const Slot& slot) {
    line_.clear();
    const PlannedRun& run = plan_.runs[slot.run];
    result_.outcomes[slot.run] = {RunState::kDone, ""};
    ready_.insert(slot.run);
    log_info(next_count() + run.id() + ": " + summary(result_.records.at(run.hash)) + " (" +
             format_duration(steady_seconds() - slot.start) + "); about " +
             format_duration(seconds_left()) + " left");
  }

  /// What the running runs say of themselves, now and then.
  void show_running() {
    const double interval = line_.is_terminal() ? 1.0 : 60.0;
    if (running_.empty() || steady_seconds() - shown_ < interval) return;
    shown_ = steady_seconds();
    std::string text = std::to_string(ended_) + "/" + std::to_string(total_) +
                       " runs done, about " + format_duration(seconds_left()) + " left";
    for (const auto& slot : running_) {
      const PlannedRun& run = plan_.runs[slot->run];
      text += " | " + run.id() + ": " + progress_of_run(log_path(run));
    }
    line_.update(text);
  }

  void write_record(const Slot& slot) {
    const PlannedRun& run = plan_.runs[slot.run];
    RunRecord record;
    record.id = run.id();
    record.type = type_name(run.type);
    record.hash = run.hash;
    record.settings = run.settings;
    record.seed = run.seed;
    for (const auto& command : run.commands) record.commands.push_back(joined(command));
    record.machine = machine_;
    record.version = options_.version;
    record.finished = today();
    record.threads = threads_of(run);
    record.jobs = run.alone ? 1 : options_.num_jobs;
    record.seconds = steady_seconds() - slot.start;
    record.result = collect_result(run);
    clock_.learn(run, record.seconds);
    const std::string path = record_path(options_.output, run.id());
    make_directories(fs::path(path).parent_path().string());
    write_file_atomically(path, to_json(record));
    fs::remove(unfinished_path(run));
    result_.records.insert_or_assign(run.hash, std::move(record));
  }

  /// Training saves and ends by itself. A measurement has nothing to save, so it is ended if it
  /// does not end.
  void stop() {
    log_info("stopping " + format_count(static_cast<int64_t>(running_.size()), "run"));
    for (const auto& slot : running_) slot->process->send(SIGTERM);
    const double deadline = steady_seconds() + options_.stop_seconds;
    for (const auto& slot : running_) {
      const bool saves = plan_.runs[slot->run].type != RunType::kMeasurement;
      while (!slot->process->poll()) {
        if (!saves && steady_seconds() > deadline) slot->process->send(SIGKILL);
        std::this_thread::sleep_for(kPollInterval);
      }
    }
    log_info("stopped; " + format_count(static_cast<int64_t>(running_.size())) +
             " runs were interrupted and " + format_count(static_cast<int64_t>(waiting_.size())) +
             " not started; the same command continues");
    running_.clear();
  }

  void take_equal_runs() {
    for (size_t i = 0; i < plan_.runs.size(); ++i) {
      if (plan_.runs[i].same_as) result_.outcomes[i] = result_.outcomes[*plan_.runs[i].same_as];
    }
  }

  const ExperimentPlan& plan_;
  const RunnerOptions& options_;
  RunnerResult result_;
  RunClock clock_;
  const std::string machine_ = machine_description();
  std::vector<size_t> waiting_;
  std::set<size_t> ready_;  // runs whose folder has what others read
  std::vector<std::unique_ptr<Slot>> running_;
  bool alone_ = false;  // what is running wants to be alone
  size_t total_ = 0, ended_ = 0;
  ProgressLine line_;
  double shown_ = steady_seconds();
};

}  // namespace

std::vector<size_t> missing_runs(const ExperimentPlan& plan, const RunRecords& records,
                                 const std::string& output) {
  std::vector<bool> missing(plan.runs.size(), false);
  for (const PlannedRun& run : plan.runs) {
    if (!run.same_as) check_folder(run, output);
  }
  for (size_t i = plan.runs.size(); i-- > 0;) {
    const PlannedRun& run = plan.runs[i];
    if (run.same_as) {
      // What reads this run's model reads that of the equal one.
      missing[*run.same_as] = missing[*run.same_as] || missing[i];
      continue;
    }
    // A run that only others need is executed for them alone.
    const auto record = records.find(run.hash);
    missing[i] = record == records.end() ? run.chosen || missing[i]
                                         : missing[i] && !has_model(run, record->second);
    if (missing[i] && run.model) missing[*run.model] = true;
  }
  std::vector<size_t> result;
  for (size_t i = 0; i < plan.runs.size(); ++i) {
    if (missing[i] && !plan.runs[i].same_as) result.push_back(i);
  }
  return result;
}

RunnerResult execute_plan(const ExperimentPlan& plan, const RunnerOptions& options) {
  return Runner(plan, options).run();
}

RunnerResult recorded_results(const ExperimentPlan& plan, const RunRecords& records) {
  RunnerResult result;
  result.records = records;
  for (const PlannedRun& run : plan.runs) {
    result.outcomes.push_back({records.count(run.hash) ? RunState::kDone : RunState::kWaiting, ""});
  }
  return result;
}

double RunClock::seconds_of(const PlannedRun& run) const {
  if (run.flops > 0.0) return run.flops / rate_;
  return run.seconds * (planned_ > 0.0 ? taken_ / planned_ : 1.0);
}

void RunClock::learn(const PlannedRun& run, double seconds) {
  if (run.flops > 0.0) {
    flops_ += run.flops;
    seconds_ += seconds;
    if (seconds_ > 0.0) rate_ = flops_ / seconds_;
  } else {
    planned_ += run.seconds;
    taken_ += seconds;
  }
}

double expected_flops_per_second(int64_t num_jobs) {
  const c10::Device device = compute_device(DeviceChoice::kAuto);
  if (device.is_cpu()) {
    return measure_matmul_peak() * kTypicalShareOfPeak / static_cast<double>(num_jobs);
  }
  return measure_matmul_peak(Precision::kBf16, device) * kTypicalShareOfDevicePeak /
         static_cast<double>(num_jobs);
}

}  // namespace linformer
