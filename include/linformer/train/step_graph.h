#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "linformer/config/trainer_config.h"
#include "linformer/kernels/device_graph.h"
#include "linformer/nn/parameters.h"
#include "linformer/optim/optimizer.h"
#include "linformer/train/fixed_shape_pass.h"
#include "linformer/train/loss_sum.h"
#include "linformer/train/step_precision.h"
#include "linformer/train/training_step.h"

namespace linformer {

/// Whether training.step_graph wants a graph on this device.
bool wants_step_graph(const TrainingConfig& training, c10::Device device);

/// Forward and backward pass of a micro-batch as a graph of the device (training.step_graph): it is
/// recorded at the first micro-batch of a step and repeated for all that have its shape. Gradients
/// then stay at their place and are set to zero after each step.
///
/// The first repetition is compared with a pass that was not recorded. If the loss or a gradient
/// differs in a bit, or if recording fails, a message says so and training goes on without a graph.
class StepGraph {
 public:
  /// What the graph is made of. All of it has to outlive the graph.
  struct Parts {
    const ParameterSet& parameters;
    const Optimizer& optimizer;
    const StepPrecision& precision;
    TrainingStep& step;
    bool recompute = false;  ///< training.activation_checkpointing
    bool asked = true;       ///< whether the user is warned if there is no graph in the end
  };

  StepGraph(std::unique_ptr<FixedShapePass> pass, const Parts& parts);

  /// Forward and backward pass of a micro-batch whose dropout has this key. `first`: no micro-batch
  /// of the step came before. Nothing is returned, and nothing has been done, for a batch of
  /// another shape or without a graph. The sum is overwritten by the next call.
  std::optional<LossSum> accumulate(const Batch& batch, uint64_t dropout_key, bool first);

  /// How many micro-batches accumulate() has run, and how many it has left to the caller.
  int64_t num_run() const { return num_run_; }
  int64_t num_left() const { return num_left_; }

  /// Whether a graph is in use, for tests.
  bool is_recorded() const { return graph_ != nullptr; }

 private:
  /// Runs the micro-batch without a graph, records it and compares; the sum of its losses.
  at::Tensor run_and_record(uint64_t dropout_key);
  at::Tensor run(ForwardContext& context) const;
  void replay(uint64_t dropout_key);
  void give_up(const std::string& why);
  /// Where weights and gradients are. A graph is of no use after they have moved.
  std::vector<const void*> addresses() const;

  std::unique_ptr<FixedShapePass> pass_;
  Parts parts_;
  std::unique_ptr<DeviceGraph> graph_;
  at::Tensor keys_;  // of the dropout sites, on the device
  at::Tensor loss_;  // what the graph writes
  std::vector<const void*> addresses_;
  bool given_up_ = false;
  int64_t num_run_ = 0;
  int64_t num_left_ = 0;
};

}  // namespace linformer
