#pragma once

#include <ATen/core/Tensor.h>

#include "linformer/config/model_config.h"
#include "linformer/nn/classification_head.h"
#include "linformer/nn/encoder.h"
#include "linformer/nn/parameters.h"

namespace linformer {

/// An encoder with a head for classification or regression, and all their parameters.
class SequenceClassifier {
 public:
  /// `head` is a classification with at least one label, or a regression.
  SequenceClassifier(const ModelConfig& config, const HeadConfig& head, uint64_t seed,
                     at::ScalarType dtype = at::kFloat, at::Device device = at::kCPU);

  const ModelConfig& config() const { return config_; }
  const HeadConfig& head_config() const { return head_config_; }
  ParameterSet& parameters() { return parameters_; }
  const ParameterSet& parameters() const { return parameters_; }
  const Encoder& encoder() const { return encoder_; }
  const ClassificationHead& head() const { return head_; }

 private:
  ModelConfig config_;
  HeadConfig head_config_;
  ParameterSet parameters_;
  Encoder encoder_;
  ClassificationHead head_;
};

}  // namespace linformer
