#include "linformer/train/communicator.h"

#include <map>
#include <numeric>

#include <ATen/ATen.h>

#include "linformer/config/config_file.h"
#include "linformer/core/error.h"
#include "linformer/core/stop_signal.h"

namespace linformer {
namespace {

/// Appends flags as numbers that add up over the processes; flags_from() reads the sums.
void append(const ControlFlags& flags, std::vector<double>& values) {
  for (const int number : kStopSignals) values.push_back(flags.stop_signal == number ? 1.0 : 0.0);
  for (const bool noticed : {flags.time_is_up, flags.session_ends, flags.save_wanted}) {
    values.push_back(noticed ? 1.0 : 0.0);
  }
}

ControlFlags flags_from(const std::vector<double>& sums, size_t first) {
  ControlFlags flags;
  for (const int number : kStopSignals) {
    if (sums[first++] > 0.0) flags.stop_signal = number;
  }
  flags.time_is_up = sums[first] > 0.0;
  flags.session_ends = sums[first + 1] > 0.0;
  flags.save_wanted = sums[first + 2] > 0.0;
  return flags;
}

}  // namespace

ControlFlags Communicator::agree(const ControlFlags& own) {
  if (is_alone()) return own;
  std::vector<double> values;
  append(own, values);
  return flags_from(processes_->sum(std::move(values)), 0);
}

std::function<StepSums()> Communicator::start_sum(const StepSums& own) {
  if (is_alone()) return [own] { return own; };
  std::vector<double> values{own.loss_sum, static_cast<double>(own.num_labels),
                             static_cast<double>(own.num_tokens)};
  const size_t first = values.size();
  append(own.flags, values);
  return [sum = processes_->start_sum(std::move(values)), first] {
    const std::vector<double> sums = sum();
    return StepSums{sums[0], static_cast<int64_t>(sums[1]), static_cast<int64_t>(sums[2]),
                    flags_from(sums, first)};
  };
}

void check_batch_divides(const TrainingConfig& training, int64_t num_processes) {
  const int64_t micro = training.micro_batch_size;
  // The sizes of all steps are multiples of the ramp's start.
  const int64_t start = training.batch_ramp.start;
  const int64_t batch = start > 0 ? start : training.global_batch_size;
  const int64_t multiple = micro * num_processes;
  if (batch % multiple == 0) return;
  const int64_t shared = batch / num_processes;  // sequences of a process
  const std::string smaller =
      batch % num_processes == 0
          ? "give each process fewer at a time: --set training.micro_batch_size=" +
                std::to_string(std::gcd(shared, micro)) + "; or "
          : "";
  fail_usage(start > 0 ? "training.batch_ramp.start" : "training.global_batch_size",
             std::to_string(batch) + " sequences do not divide into micro-batches of " +
                 std::to_string(micro) + " for " + std::to_string(num_processes) + " processes",
             smaller + "make it a multiple of " + std::to_string(multiple) + ", e.g. " +
                 std::to_string((batch / multiple + 1) * multiple) +
                 ", or start another number of processes");
}

void Communicator::check_same_run(const TrainerConfig& config, const std::string& settings,
                                  uint64_t data_fingerprint) {
  if (is_alone()) return;
  check_batch_divides(config.training, size());
  const auto changed = first_changed_setting(settings, processes_->broadcast(settings));
  std::string difference =
      changed ? changed->key + ": " + changed->value + " instead of " + changed->other : "";
  const std::string fingerprint = std::to_string(data_fingerprint);
  const bool same_data = processes_->broadcast(fingerprint) == fingerprint;
  if (difference.empty() && !same_data) difference = "data.train: other data";
  // Every process hears of it, so that none waits for one that has left.
  const bool differs = maximum({difference.empty() ? 0 : 1}).front() != 0;
  if (!differs) return;
  fail_usage("rank " + std::to_string(processes_->rank()),
             difference.empty() ? "another process was started with other settings or data"
                                : "not as in rank 0: " + difference,
             "start all processes with the same configuration and data");
}

std::unique_ptr<Optimizer> Communicator::prepare(std::vector<OptimizedParameter> optimized,
                                                 const TrainerConfig& config) {
  if (is_alone()) return make_optimizer(std::move(optimized), config.training.optimizer);
  std::vector<std::pair<std::string, at::Tensor>> trained;
  for (const OptimizedParameter& parameter : optimized) {
    if (!parameter.tensor.requires_grad()) continue;
    trained.emplace_back(parameter.name, parameter.tensor);
    names_.push_back(parameter.name);
    parameters_.push_back(parameter.tensor);
  }
  reducer_ = std::make_unique<GradientReducer>(*processes_, trained);
  if (config.distributed.shard_optimizer) {
    shards_ = std::make_unique<ParameterShards>(*processes_, parameters_);
    size_t next = 0;
    for (OptimizedParameter& parameter : optimized) {
      if (parameter.tensor.requires_grad()) parameter.updated_here = shards_->owns(next++);
    }
  }
  return make_optimizer(std::move(optimized), config.training.optimizer);
}

void Communicator::backward(const at::Tensor& loss, Micro place) {
  if (reducer_ == nullptr) {
    loss.backward();
  } else if (place == Micro::kLast) {
    reducer_->accumulate_and_sum(loss);
  } else {
    reducer_->accumulate(loss);
  }
}

void Communicator::share_update() {
  if (shards_ != nullptr) shards_->share();
}

NamedTensors Communicator::whole_state(const Optimizer& optimizer, Fetch fetch) {
  NamedTensors own = optimizer.state();
  if (shards_ == nullptr) return own;
  std::map<std::string, at::Tensor> known(own.begin(), own.end());
  for (size_t i = 0; i < names_.size(); ++i) {
    const int64_t owner = shards_->owner(i);
    for (const std::string& state : optimizer.state_names()) {
      const std::string name = state + "." + names_[i];
      at::Tensor tensor;
      if (shards_->owns(i)) {
        tensor = known.at(name);
      } else if (is_first()) {
        tensor = at::zeros_like(parameters_[i]).detach();
        own.emplace_back(name, tensor);
      }
      if (fetch == Fetch::kYes) processes_->move(tensor, owner, 0);
    }
  }
  return own;
}

void Communicator::share(const NamedTensors& tensors) {
  if (is_alone()) return;
  std::vector<at::Tensor> values;
  for (const auto& [name, tensor] : tensors) values.push_back(tensor);
  processes_->broadcast(values, 0);
}

void Communicator::share_start(const ParameterSet& parameters, const NamedTensors& whole,
                               Optimizer& optimizer, TrainingState& state) {
  if (is_alone()) return;
  std::vector<at::Tensor> tensors;
  for (const Parameter& parameter : parameters.all()) tensors.push_back(parameter.tensor);
  const std::map<std::string, at::Tensor> moments(whole.begin(), whole.end());
  for (size_t i = 0; i < names_.size(); ++i) {
    for (const std::string& name : optimizer.state_names()) {
      const auto found = moments.find(name + "." + names_[i]);
      if (shards_ == nullptr) {
        tensors.push_back(found->second);
      } else if (is_first() || shards_->owns(i)) {
        processes_->move(found->second, 0, shards_->owner(i));
      }
    }
  }
  processes_->broadcast(tensors, 0);
  state = parse_training_state(processes_->broadcast(training_state_text(state)), "rank 0");
  optimizer.set_num_updates(state.num_updates);
}

}  // namespace linformer
