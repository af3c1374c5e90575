#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "linformer/baselines/lbfgs.h"
#include "linformer/baselines/text_features.h"

namespace linformer {

/// logits = W x + b of a multinomial logistic regression, or of a ridge regression with one output.
/// Two classes need one row of weights: the logit of class 0 is 0.
class LinearModel {
 public:
  /// num_classes = 1: a regression.
  LinearModel(size_t num_columns, int64_t num_classes);

  /// Minimises, over the weights and the biases,
  ///
  ///   1/n sum_i loss_i + l2/2 |W|^2
  ///
  /// with loss_i = - log softmax(logits)[target], or (output - target)^2 / 2. Starts from the
  /// present weights.
  LbfgsResult fit(const SparseRows& rows, std::span<const float> targets, double l2,
                  const LbfgsOptions& options);

  /// The class with the largest logit, or the output.
  std::vector<float> predict(const SparseRows& rows) const;

  /// The function that fit() minimises. Parameters are given row by row, with the bias last.
  double objective(const SparseRows& rows, std::span<const float> targets, double l2,
                   std::span<const double> parameters, std::span<double> gradient) const;
  const std::vector<double>& parameters() const { return parameters_; }

 private:
  std::vector<double> outputs(const SparseRows& rows, size_t row,
                              std::span<const double> parameters) const;

  size_t num_columns_;
  int64_t num_classes_;
  size_t num_outputs_;
  std::vector<double> parameters_;
};

}  // namespace linformer
