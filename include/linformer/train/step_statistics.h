#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include "linformer/nn/parameters.h"
#include "linformer/report/jsonl_log.h"

namespace linformer {

/// The part of the model a parameter belongs to: "embeddings", "layer_03.attention",
/// "layer_03.projection" (E and F), "layer_03.feed_forward", "projection" (shared by layers),
/// "final_norm" or "head".
std::string statistics_group(const Parameter& parameter);

/// Norms and activations of one optimizer step (logging.statistics_every). It exists only in steps
/// that request it and changes no bit of them. Such a step costs an additional copy of the weights
/// and an additional forward pass.
class StepStatistics {
 public:
  /// Before the update. Gradients are sums, to be divided by `divisor`, the step's label count.
  StepStatistics(const ParameterSet& parameters, double divisor);

  /// After the update. For each part of the model the L2 norms "weights/PART", "gradients/PART" (of
  /// the mean loss, before clipping) and "updates/PART" (what the optimizer added); for the
  /// embeddings' output and each layer's (Objective::hidden_states()), "activations/PLACE.mean",
  /// ".std" and ".max" (the largest absolute value).
  LogRecord after_update(int64_t step, const std::vector<at::Tensor>& hidden_states) const;

 private:
  const ParameterSet& parameters_;
  std::map<std::string, double> gradient_squares_;
  std::vector<at::Tensor> weights_;  // before the update
};

}  // namespace linformer
