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

/// Gradients of `function` (a scalar, in double precision) with respect to the leaves it uses,
/// against central differences, number by number; the leaves are changed in place and restored.
inline void expect_leaf_gradients_match(const std::function<at::Tensor()>& function,
                                        const std::vector<at::Tensor>& leaves, double step = 1e-5,
                                        double tolerance = 1e-6) {
  const auto gradients = torch::autograd::grad({function()}, leaves, {}, std::nullopt, false, true);
  const at::NoGradGuard no_grad;
  for (size_t i = 0; i < leaves.size(); ++i) {
    at::Tensor numeric = at::zeros_like(leaves[i]);
    at::Tensor values = leaves[i].view(-1);
    at::Tensor target = numeric.view(-1);
    for (int64_t j = 0; j < values.numel(); ++j) {
      const double kept = values[j].item<double>();
      values[j] = kept + step;
      const double above = function().item<double>();
      values[j] = kept - step;
      const double below = function().item<double>();
      values[j] = kept;
      target[j] = (above - below) / (2 * step);
    }
    const at::Tensor ours = gradients[i].defined() ? gradients[i] : at::zeros_like(numeric);
    EXPECT_LT((ours - numeric).abs().max().item<double>(),
              tolerance * (1.0 + numeric.abs().max().item<double>()))
        << "input " << i;
  }
}

/// The same for a function of copies of `inputs`.
inline void expect_gradients_match(
    const std::function<at::Tensor(const std::vector<at::Tensor>&)>& function,
    std::vector<at::Tensor> inputs, double step = 1e-5, double tolerance = 1e-6) {
  for (at::Tensor& input : inputs) input = input.detach().clone().set_requires_grad(true);
  expect_leaf_gradients_match([&] { return function(inputs); }, inputs, step, tolerance);
}

}  // namespace linformer::testing
