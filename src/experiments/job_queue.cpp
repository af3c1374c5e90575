#include "job_queue.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <deque>
#include <filesystem>
#include <memory>
#include <thread>

#include "job_log.h"

#include "linformer/checkpoint/checkpoint_store.h"
#include "linformer/core/atomic_file.h"
#include "linformer/core/child_process.h"
#include "linformer/core/clock.h"
#include "linformer/core/format.h"
#include "linformer/core/log.h"
#include "linformer/core/stop_signal.h"
#include "linformer/report/progress.h"
#include "linformer/report/run_folder.h"

namespace linformer {
namespace {

namespace fs = std::filesystem;

class JobQueue {
 public:
  JobQueue(const ManyRunsOptions& options, std::vector<FailedJob>& failed)
      : options_(options), failed_(failed) {}

  void run(const std::vector<QueuedRun>& runs) {
    std::deque<const QueuedRun*> waiting;
    for (const QueuedRun& run : runs) {
      if (!run.done) waiting.push_back(&run);
    }
    const size_t total = runs.size();
    size_t ended = total - waiting.size();
    if (ended > 0) {
      log_info(format_count(static_cast<int64_t>(ended)) + " of " +
               format_count(static_cast<int64_t>(total)) + " runs are done already");
    }
    std::vector<std::unique_ptr<Slot>> running;
    ProgressLine line;
    double shown = steady_seconds();
    while (!waiting.empty() || !running.empty()) {
      if (stop_signal() != 0) {
        line.clear();
        stop(running);
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
        finish(*slot, *code, std::to_string(ended) + "/" + std::to_string(total));
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
  struct Slot {
    const QueuedRun* run;
    int64_t number;
    std::unique_ptr<ChildProcess> process;
  };

  /// Seconds between two lines about the running jobs.
  static double interval(const ProgressLine& line) { return line.is_terminal() ? 1.0 : 30.0; }

  static std::string log_path(const QueuedRun& run) { return run.folder + "/run.log"; }

  std::unique_ptr<Slot> start(const QueuedRun& run,
                              const std::vector<std::unique_ptr<Slot>>& running) const {
    int64_t number = 0;
    while (std::any_of(running.begin(), running.end(),
                       [&](const auto& slot) { return slot->number == number; })) {
      ++number;
    }
    make_directories(run.folder);
    const std::string path = run.folder + "/job.yaml";
    write_file_atomically(path, run.config);
    std::vector<std::string> command;
    if (options_.num_devices > 0) {
      command = {"/usr/bin/env",
                 "CUDA_VISIBLE_DEVICES=" + std::to_string(number % options_.num_devices)};
    }
    command.insert(command.end(), {options_.program, "--config", path});
    return std::make_unique<Slot>(
        Slot{&run, number, std::make_unique<ChildProcess>(command, log_path(run))});
  }

  /// "12/60 runs done | cola/task/seed-1: step 340/5,360 | ETA 12m 04s | ..."
  std::string status(const std::vector<std::unique_ptr<Slot>>& running, size_t ended,
                     size_t total) const {
    std::string text = std::to_string(ended) + "/" + std::to_string(total) + " runs done";
    for (const auto& slot : running) {
      const std::string& folder = slot->run->folder;
      const fs::path name = fs::path(folder).lexically_relative(options_.output);
      text += " | " + (name.empty() ? folder : name.string()) + ": " +
              progress_of_run(log_path(*slot->run));
    }
    return text;
  }

  void finish(const Slot& slot, int code, const std::string& count) const {
    const QueuedRun& run = *slot.run;
    const std::optional<std::string> result =
        code == 0 ? run.finished() : std::optional<std::string>();
    if (!result) {
      failed_.push_back({run.folder, failure_reason(log_path(run), code)});
      log_warning(count + " " + run.folder + " failed: " + failed_.back().reason);
      return;
    }
    log_info(count + " " + run.folder + ": " + *result);
  }

  void stop(const std::vector<std::unique_ptr<Slot>>& running) const {
    for (const auto& slot : running) slot->process->send(SIGTERM);
    int64_t num_saved = 0, num_done = 0, num_others = 0;
    for (const auto& slot : running) {
      const int code = slot->process->wait();
      const std::string& folder = slot->run->folder;
      const bool in_order = is_stop_signal(code - 128) && slot->process->killing_signal() == 0;
      if (code == 0) {
        ++num_done;
        finish(*slot, code, "stopped;");
      } else if (in_order && newest_whole_checkpoint(folder + "/checkpoints")) {
        ++num_saved;
      } else {
        ++num_others;
        const bool stopped = in_order || is_stop_signal(slot->process->killing_signal());
        log_warning(folder + " is not saved: " +
                    (stopped ? "it was stopped before its first save"
                             : failure_reason(log_path(*slot->run), code)));
      }
    }
    log_info("stopped; saved: " + std::to_string(num_saved) +
             ", done: " + std::to_string(num_done) + ", not saved: " + std::to_string(num_others) +
             "; the same command continues");
  }

  const ManyRunsOptions& options_;
  std::vector<FailedJob>& failed_;
};

}  // namespace

std::string planned_state(const std::string& folder, bool done) {
  if (done) return name_of(RunStatus::kFinished);
  return is_run_folder(folder) ? name_of(read_run_folder(folder).status) : "new";
}

int64_t threads_of_run(int64_t configured, const ManyRunsOptions& options) {
  return configured > 0 ? configured : std::max<int64_t>(1, options.num_cores / options.num_jobs);
}

void execute_runs(const std::vector<QueuedRun>& runs, const ManyRunsOptions& options,
                  std::vector<FailedJob>& failed) {
  JobQueue(options, failed).run(runs);
}

}  // namespace linformer
