#pragma once

#include <map>
#include <memory>
#include <string>

#include <ATen/core/Tensor.h>

#include "linformer/checkpoint/foreign_model.h"
#include "linformer/nn/parameters.h"

namespace linformer::testing {

/// A tiny model of another code base (../shared/fixtures/NAME): its weights, its inputs, and what
/// it computed from them.
struct ReferenceModel {
  ForeignModel source;
  std::map<std::string, at::Tensor> inputs;
  std::map<std::string, at::Tensor> outputs;

  /// Copies the weights into a model of the same configuration.
  void copy_into(const ParameterSet& parameters) const;
  /// The reference's gradient of one of our parameters.
  const at::Tensor& gradient(const std::string& parameter) const;
};

bool has_reference_models();
ReferenceModel load_reference_model(const std::string& name);

}  // namespace linformer::testing
