#pragma once

#include <variant>

#include <ATen/core/Tensor.h>

#include "linformer/config/model_config.h"
#include "linformer/nn/classification_head.h"
#include "linformer/nn/encoder.h"
#include "linformer/nn/masked_lm_head.h"
#include "linformer/nn/parameters.h"

namespace linformer {

/// An encoder with one head, and the parameters of both. `config.vocab_size` has to be set.
class Model {
 public:
  /// With a masked-LM head.
  Model(const ModelConfig& config, uint64_t seed, at::ScalarType dtype = at::kFloat,
        at::Device device = at::kCPU);

  /// With the head that `head` describes: a masked LM, a classification with at least one label, or
  /// a regression.
  Model(const ModelConfig& config, const HeadConfig& head, uint64_t seed,
        at::ScalarType dtype = at::kFloat, at::Device device = at::kCPU);

  const ModelConfig& config() const { return config_; }
  const HeadConfig& head_config() const { return head_config_; }
  bool is_masked_lm() const { return head_config_.type == HeadType::kMaskedLm; }
  ParameterSet& parameters() { return parameters_; }
  const ParameterSet& parameters() const { return parameters_; }
  const Encoder& encoder() const { return encoder_; }

  /// Throws std::logic_error if the model has another head.
  const MaskedLmHead& masked_lm_head() const;
  const ClassificationHead& classification_head() const;

 private:
  using Head = std::variant<MaskedLmHead, ClassificationHead>;
  Head make_head();

  ModelConfig config_;
  HeadConfig head_config_;
  ParameterSet parameters_;
  Encoder encoder_;
  Head head_;
};

}  // namespace linformer
