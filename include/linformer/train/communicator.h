#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "linformer/checkpoint/tensor_files.h"
#include "linformer/config/trainer_config.h"
#include "linformer/dist/gradient_reducer.h"
#include "linformer/dist/parameter_shards.h"
#include "linformer/dist/process_group.h"
#include "linformer/nn/parameters.h"
#include "linformer/optim/optimizer.h"
#include "linformer/train/training_state.h"

namespace linformer {

/// What one process has noticed, and on what all processes have to act together.
struct ControlFlags {
  int stop_signal = 0;
  bool time_is_up = false;    ///< of the run
  bool session_ends = false;  ///< the scheduler's limit is near
  bool save_wanted = false;   ///< SIGUSR1

  bool operator==(const ControlFlags&) const = default;
};

/// The sums of a step over the processes, sent in one message.
struct StepSums {
  double loss_sum = 0.0;
  int64_t num_labels = 0;
  int64_t num_tokens = 0;
  ControlFlags flags;  ///< of any process
};

/// Throws UsageError if the batches of a step cannot be divided among the processes.
void check_batch_divides(const TrainingConfig& training, int64_t num_processes);

/// The processes of a run, as the trainer sees them. With one process, every function does its
/// local part and sends nothing.
///
/// Step s uses the same sequences and the same dropout whatever the number of processes P: its
/// micro-batches are numbered, and process r computes those with number = r (mod P). Only the order
/// of some sums differs.
class Communicator {
 public:
  explicit Communicator(std::shared_ptr<ProcessGroup> processes)
      : processes_(std::move(processes)) {}

  int64_t size() const { return processes_->size(); }
  bool is_first() const { return processes_->is_first(); }
  bool is_alone() const { return size() == 1; }

  /// Refuses batches that cannot be divided, and processes that were started with other settings or
  /// other data than rank 0 (paths, threads and the run folder may differ). Throws UsageError.
  ///
  /// `settings` are settings_text() of the settings that have to be equal.
  void check_same_run(const TrainerConfig& config, const std::string& settings,
                      uint64_t data_fingerprint);

  /// Connects the parameters; the optimizer keeps moments of those that this process owns (all of
  /// them unless distributed.shard_optimizer). Call once, before any step.
  std::unique_ptr<Optimizer> prepare(std::vector<OptimizedParameter> parameters,
                                     const TrainerConfig& config);
  bool shards_optimizer() const { return shards_ != nullptr; }

  /// The first sequence of this process's `number`-th micro-batch, counted from the step's begin.
  int64_t offset(int64_t number, int64_t micro_batch_size) const {
    return (number * size() + processes_->rank()) * micro_batch_size;
  }

  /// Starts to sum the step's numbers over the processes. The returned function waits for the
  /// result; it is best called after the backward pass.
  std::function<StepSums()> start_sum(const StepSums& own);
  /// loss.backward(). With the step's last micro-batch, gradients become sums over all processes.
  enum class Micro { kMoreFollow, kLast };
  void backward(const at::Tensor& loss, Micro place);
  /// After an update with a sharded optimizer, all processes get the new weights.
  void share_update();

  /// The flags of all processes, combined. Waits for all of them.
  ControlFlags agree(const ControlFlags& own);
  /// The largest of each number.
  std::vector<int64_t> maximum(std::vector<int64_t> values) {
    return processes_->maximum(std::move(values));
  }
  /// Sums of each number over all processes.
  std::vector<double> sum(std::vector<double> values) {
    return is_alone() ? values : processes_->sum(std::move(values));
  }
  int64_t rank() const { return processes_->rank(); }

  /// The optimizer's state as a single process would have it. On rank 0 it is complete: with
  /// `Fetch::kYes`, tensors of other processes are sent there, otherwise only their shapes are set.
  /// The other processes have the tensors that they own. If the optimizer is sharded, all processes
  /// have to call it.
  enum class Fetch { kNo, kYes };
  NamedTensors whole_state(const Optimizer& optimizer, Fetch fetch);
  /// After rank 0 has resumed, all processes get its weights, moments (`whole` of rank 0) and
  /// state.
  void share_start(const ParameterSet& parameters, const NamedTensors& whole, Optimizer& optimizer,
                   TrainingState& state);
  /// All processes get rank 0's tensors.
  void share(const NamedTensors& tensors);

 private:
  std::shared_ptr<ProcessGroup> processes_;
  std::unique_ptr<GradientReducer> reducer_;
  std::unique_ptr<ParameterShards> shards_;
  std::vector<std::string> names_;  // of the trained parameters
  std::vector<at::Tensor> parameters_;
};

}  // namespace linformer
