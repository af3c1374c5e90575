#pragma once

#include <functional>
#include <vector>

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

namespace linformer::testing {

/// max |a - b| / max |b|, the measure of the reference fixtures.
inline double relative_difference(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor x = a.to(at::kDouble);
  const at::Tensor y = b.to(at::kDouble);
  if (x.sizes() != y.sizes()) return 1e30;
  if (x.numel() == 0) return 0.0;
  const double scale = y.abs().max().item<double>();
  return (x - y).abs().max().item<double>() / (scale > 0 ? scale : 1.0);
}

/// Gradients of `function` (a scalar of its inputs, in double precision) against central
/// differences, element by element.
inline void expect_gradients_match(
    const std::function<at::Tensor(const std::vector<at::Tensor>&)>& function,
    std::vector<at::Tensor> inputs, double step = 1e-5, double tolerance = 1e-6) {
  for (at::Tensor& input : inputs) input = input.detach().clone().set_requires_grad(true);
  const auto gradients = torch::autograd::grad({function(inputs)}, inputs);
  const at::NoGradGuard no_grad;
  for (size_t i = 0; i < inputs.size(); ++i) {
    at::Tensor numeric = at::zeros_like(inputs[i]);
    at::Tensor values = inputs[i].view(-1);
    at::Tensor target = numeric.view(-1);
    for (int64_t j = 0; j < values.numel(); ++j) {
      const double kept = values[j].item<double>();
      values[j] = kept + step;
      const double above = function(inputs).item<double>();
      values[j] = kept - step;
      const double below = function(inputs).item<double>();
      values[j] = kept;
      target[j] = (above - below) / (2 * step);
    }
    EXPECT_LT((gradients[i] - numeric).abs().max().item<double>(),
              tolerance * (1.0 + numeric.abs().max().item<double>()))
        << "input " << i;
  }
}

}  // namespace linformer::testing
