#include "linformer/analysis/resume_check.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <map>
#include <sstream>
#include <thread>

#include <nlohmann/json.hpp>

#include "linformer/checkpoint/checkpoint_store.h"
#include "linformer/checkpoint/safetensors.h"
#include "linformer/config/config_file.h"
#include "linformer/core/atomic_file.h"
#include "linformer/core/child_process.h"
#include "linformer/core/clock.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/json_text.h"
#include "linformer/core/random.h"
#include "linformer/core/stop_signal.h"

namespace linformer {
namespace {

namespace fs = std::filesystem;

/// Processes add gradients in another order, so the last bits of weights differ. A low type may
/// round such a weight to its other neighbour, and later losses differ by more.
double loss_tolerance(Precision precision) {
  constexpr double kFull = 1e-4;
  constexpr double kLow = 5e-3;
  return precision == Precision::kFp32 ? kFull : kLow;
}

constexpr const char* kTensorFiles[] = {"model.safetensors", "training/optimizer.safetensors",
                                        "training/ema.safetensors"};  // the last: where it is on

std::string difference_of_tensors(const std::string& a, const std::string& b) {
  const SafetensorsFile first(a);
  const SafetensorsFile second(b);
  for (const auto& [name, tensor] : first.tensors()) {
    const auto other = second.tensors().find(name);
    if (other == second.tensors().end()) return name + " is in one only";
    if (!std::equal(tensor.bytes.begin(), tensor.bytes.end(), other->second.bytes.begin(),
                    other->second.bytes.end())) {
      return name;
    }
  }
  return first.tensors().size() == second.tensors().size() ? "" : "one has more tensors";
}

nlohmann::json comparable_state(const std::string& folder) {
  const std::string path = folder + "/training/state.json";
  auto [state, problem] = parse_json<nlohmann::json>(read_text_file(path));
  if (!problem.empty()) fail_run(path, problem, "the run wrote a damaged file; check the disk");
  for (const char* key : {"elapsed_seconds", "log_bytes"}) state.erase(key);
  return std::move(state);
}

/// A check and what all of its runs share.
class Check {
 public:
  Check(const PretrainConfig& config, const ResumeCheckOptions& options,
        const std::function<void(const std::string&)>& say)
      : config_(config), options_(options), say_(say) {
    TrainingConfig& training = config_.training;
    training.max_steps = 2 * options.steps;
    training.max_tokens.reset();
    training.max_hours.reset();
    training.session_hours.reset();
    training.schedule.warmup_steps = std::min(training.schedule.warmup_steps, 2 * options.steps);
    // All runs use the same micro-batch size, since dropout depends on it.
    while (training.global_batch_size % (training.micro_batch_size * options.processes) != 0 &&
           training.micro_batch_size > 1) {
      --training.micro_batch_size;
    }
    config_.evaluation.every = options.steps;
    config_.evaluation.early_stop_patience = 0;
    config_.logging.every = 1;
    config_.checkpoint.every = std::max<int64_t>(1, options.steps / 4);
    config_.checkpoint.keep_every = options.steps;
    config_.checkpoint.resume = ResumeMode::kAuto;
  }

  void run() {
    fs::remove_all(options_.folder);
    make_directories(options_.folder);
    const double start = steady_seconds();
    finish("whole", trainer("whole"));
    whole_seconds_ = steady_seconds() - start;
    say_("trained " + format_count(2 * options_.steps, "step") + " in " +
         format_fixed(whole_seconds_, 1) + " s");
    RandomStream random(RandomPurpose::kTest, {options_.seed});
    for (int64_t i = 1; i <= options_.kills; ++i) kill_and_resume(i, random);
    if (options_.processes > 1) resume_on_processes();
  }

 private:
  std::string run_folder(const std::string& name) const { return options_.folder + "/" + name; }
  std::string end_of(const std::string& name) const {
    return CheckpointStore(run_folder(name) + "/checkpoints", config_.checkpoint)
        .folder_of(2 * options_.steps);
  }

  std::vector<std::string> trainer(const std::string& name) const {
    PretrainConfig config = config_;
    config.run.dir = run_folder(name);
    const std::string path = options_.folder + "/" + name + ".yaml";
    write_file_atomically(path, dump_yaml(config));
    std::vector<std::string> command = options_.trainer;
    command.insert(command.end(), {"--config", path});
    return command;
  }

  std::string log_path(const std::string& name) const {
    return options_.folder + "/" + name + ".log";
  }

  void stop_if_asked() const {
    if (stop_signal() != 0) throw StopError(options_.folder);
  }

  /// Waits for the end of the run, or for a stop signal.
  int end_of_process(ChildProcess& child) const {
    while (!child.poll()) {
      stop_if_asked();
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return child.wait();
  }

  void finish(const std::string& name, const std::vector<std::string>& command) const {
    ChildProcess child(command, log_path(name));
    const int code = end_of_process(child);
    if (code == 0) return;
    fail_run(run_folder(name), "the run ended with exit code " + std::to_string(code),
             "read " + log_path(name));
  }

  void kill_and_resume(int64_t number, RandomStream& random) {
    const std::string name = "killed-" + std::to_string(number);
    const std::vector<std::string> command = trainer(name);
    for (int attempt = 0;; ++attempt) {
      // Earlier with each try, in case the machine has become faster.
      const double moment = whole_seconds_ * random.uniform() / (1.0 + 0.2 * attempt);
      ChildProcess child(command, log_path(name));
      const double start = steady_seconds();
      while (!child.poll() && steady_seconds() - start < moment) {
        stop_if_asked();
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
      child.send(SIGKILL);
      if (child.wait() == 128 + SIGKILL) {
        finish(name, command);
        compare(name, "killed after " + format_fixed(moment, 1) + " s and resumed");
        return;
      }
      fs::remove_all(run_folder(name));  // it was done before the kill
      if (attempt == 20) {
        fail_run(run_folder(name), "ends before it can be killed", "use more --verify-steps");
      }
    }
  }

  void compare(const std::string& name, const std::string& what) const {
    const std::string difference = first_checkpoint_difference(end_of("whole"), end_of(name));
    if (!difference.empty()) {
      fail_run(run_folder(name), what + ": differs from the run that went through in " + difference,
               "compare " + end_of("whole") + " with " + end_of(name));
    }
    say_(what + ": every bit of weights, optimizer and state is equal");
  }

  /// Losses and positions by step, of the second half.
  std::map<int64_t, std::pair<double, int64_t>> second_half(const std::string& name) const {
    std::map<int64_t, std::pair<double, int64_t>> steps;
    std::istringstream log(read_text_file(run_folder(name) + "/log.jsonl"));
    for (std::string line; std::getline(log, line);) {
      const nlohmann::json json = parse_json<nlohmann::json>(line).value;
      if (!json.is_object()) continue;
      const int64_t step = json.value("step", int64_t{0});
      if (step <= options_.steps || !json.contains("loss") || !json["loss"].is_number()) continue;
      steps[step] = {json["loss"].get<double>(), json.value("tokens", int64_t{0})};
    }
    return steps;
  }

  void resume_on_processes() const {
    const std::string name = "processes";
    const std::string what = "resumed at step " + format_count(options_.steps) + " on " +
                             std::to_string(options_.processes) + " processes";
    if (config_.training.global_batch_size %
            (config_.training.micro_batch_size * options_.processes) !=
        0) {
      say_("not " + what + ": " + std::to_string(config_.training.global_batch_size) +
           " sequences a step cannot be divided");
      return;
    }
    const std::string checkpoints = run_folder(name) + "/checkpoints";
    make_directories(checkpoints);
    const CheckpointStore from(run_folder("whole") + "/checkpoints", config_.checkpoint);
    const CheckpointStore to(checkpoints, config_.checkpoint);
    fs::copy(from.folder_of(options_.steps), to.folder_of(options_.steps),
             fs::copy_options::recursive);
    std::vector<std::string> command{options_.launcher, "--nproc-per-node",
                                     std::to_string(options_.processes), "--"};
    for (const std::string& argument : trainer(name)) command.push_back(argument);
    finish(name, command);
    const auto expected = second_half("whole");
    const auto actual = second_half(name);
    double worst = 0.0;
    for (const auto& [step, values] : expected) {
      const auto found = actual.find(step);
      if (found == actual.end() || found->second.second != values.second) {
        fail_run(run_folder(name), what + ": read other data in step " + std::to_string(step),
                 "compare its log.jsonl with that of " + run_folder("whole"));
      }
      worst = std::max(worst, std::abs(found->second.first / values.first - 1.0));
    }
    if (expected.empty() || !(worst <= loss_tolerance(config_.training.precision))) {
      fail_run(run_folder(name),
               what + ": losses differ by " + format_number(worst) + ", more than rounding",
               "compare its log.jsonl with that of " + run_folder("whole"));
    }
    say_(what + ": the same data, losses equal to " + format_number(worst));
  }

  PretrainConfig config_;
  const ResumeCheckOptions& options_;
  const std::function<void(const std::string&)>& say_;
  double whole_seconds_ = 0.0;
};

}  // namespace

std::string first_checkpoint_difference(const std::string& a, const std::string& b) {
  for (const char* file : kTensorFiles) {
    const bool in_a = fs::exists(a + "/" + file);
    const bool in_b = fs::exists(b + "/" + file);
    if (in_a != in_b) return std::string(file) + ": is in one only";
    if (!in_a) continue;
    const std::string difference = difference_of_tensors(a + "/" + file, b + "/" + file);
    if (!difference.empty()) return std::string(file) + ": " + difference;
  }
  const nlohmann::json first = comparable_state(a);
  const nlohmann::json second = comparable_state(b);
  for (const auto& [key, value] : first.items()) {
    if (!second.contains(key) || second[key] != value) return "training/state.json: " + key;
  }
  return "";
}

void check_resume(const PretrainConfig& config, const ResumeCheckOptions& options,
                  const std::function<void(const std::string&)>& say) {
  Check(config, options, say).run();
}

}  // namespace linformer
