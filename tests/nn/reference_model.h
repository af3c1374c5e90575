#pragma once

#include <map>
#include <memory>
#include <string>

#include <ATen/core/Tensor.h>

#include "linformer/nn/masked_lm_model.h"

namespace linformer::testing {

/// A tiny model of another code base (../shared/fixtures/NAME): its weights in our model, its
/// inputs, and what it computed from them.
struct ReferenceModel {
  std::unique_ptr<MaskedLmModel> model;
  std::map<std::string, at::Tensor> inputs;
  std::map<std::string, at::Tensor> outputs;
  std::map<std::string, std::string> their_names;  ///< of each of our parameters

  /// The reference's gradient of one of our parameters.
  const at::Tensor& gradient(const std::string& parameter) const;
};

bool has_reference_models();
ReferenceModel load_reference_model(const std::string& name);

}  // namespace linformer::testing
