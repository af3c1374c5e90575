#pragma once

#include <ATen/core/Tensor.h>

#include "linformer/config/model_config.h"
#include "linformer/nn/encoder.h"
#include "linformer/nn/masked_lm_head.h"
#include "linformer/nn/parameters.h"

namespace linformer {

/// An encoder with its masked-LM head, and all their parameters. `config.vocab_size` has to be set.
class MaskedLmModel {
 public:
  MaskedLmModel(const ModelConfig& config, uint64_t seed, at::ScalarType dtype = at::kFloat,
                at::Device device = at::kCPU);

  const ModelConfig& config() const { return config_; }
  ParameterSet& parameters() { return parameters_; }
  const ParameterSet& parameters() const { return parameters_; }
  const Encoder& encoder() const { return encoder_; }
  const MaskedLmHead& head() const { return head_; }

 private:
  ModelConfig config_;
  ParameterSet parameters_;
  Encoder encoder_;
  MaskedLmHead head_;
};

}  // namespace linformer
