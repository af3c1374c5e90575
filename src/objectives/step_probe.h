#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <c10/core/Device.h>

#include "linformer/config/trainer_config.h"
#include "linformer/data/batch.h"
#include "linformer/nn/forward_context.h"
#include "linformer/nn/parameters.h"
#include "linformer/optim/optimizer.h"
#include "linformer/train/fixed_shape_pass.h"
#include "linformer/train/loss_sum.h"

namespace linformer {

/// What a dry run tries: training steps whose learning rate is 0.
struct StepProbeWork {
  TrainingConfig training;
  std::vector<OptimizedParameter> parameters;
  std::function<LossSum(const Batch&, ForwardContext&)> loss;
  std::function<Batch(int64_t)> batch;  ///< of the i-th step, of one micro-batch each
  c10::Device device = c10::kCPU;
  /// For steps as a graph: their passes, and the parameters of the whole model. Null: none.
  std::unique_ptr<FixedShapePass> pass;
  const ParameterSet* all_parameters = nullptr;
};

/// Means over the timed steps: all but the first.
struct StepProbe {
  double micro_batch_seconds = 0.0;  ///< forward and backward pass
  double update_seconds = 0.0;
  double tokens = 0.0;            ///< Batch::num_tokens of a micro-batch
  int64_t peak_tensor_bytes = 0;  ///< on the device, the first step included
};

/// Executes and times steps for a few seconds, since the speed of a shared machine varies.
StepProbe probe_steps(StepProbeWork work);

/// "61.2 ms, 25,032 tokens/s"
std::string step_text(double seconds, double tokens_per_second);

/// What the tensors and the whole process took at most so far, as rows of a table.
std::vector<std::vector<std::string>> memory_rows(const StepProbe& probe);

/// The learning rate over `steps` steps as a row of bars, and its corner values.
std::string describe_schedule(const TrainingConfig& training, int64_t warmup_steps, int64_t steps);

}  // namespace linformer
