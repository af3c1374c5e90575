#include "linformer/baselines/linear_model.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace linformer {

namespace {

/// Turns logits into d loss / d logit, and returns the loss. A single logit is that of class 1
/// against class 0.
double classification_loss(std::vector<double>& logits, size_t target) {
  const bool two_classes = logits.size() == 1;
  if (two_classes) logits.insert(logits.begin(), 0.0);
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0.0;
  for (const double logit : logits) sum += std::exp(logit - largest);
  const double log_sum = largest + std::log(sum);
  const double loss = log_sum - logits[target];
  for (double& logit : logits) logit = std::exp(logit - log_sum);
  logits[target] -= 1.0;
  if (two_classes) logits.erase(logits.begin());
  return loss;
}

}  // namespace

LinearModel::LinearModel(size_t num_columns, int64_t num_classes)
    : num_columns_(num_columns),
      num_classes_(num_classes),
      num_outputs_(num_classes == 2 ? 1 : static_cast<size_t>(num_classes)),
      parameters_(num_outputs_ * (num_columns + 1), 0.0) {
  if (num_classes < 1) throw std::invalid_argument("a model needs an output");
}

std::vector<double> LinearModel::outputs(const SparseRows& rows, size_t row,
                                         std::span<const double> parameters) const {
  std::vector<double> outputs(num_outputs_);
  for (size_t o = 0; o < num_outputs_; ++o) {
    const double* weights = parameters.data() + o * (num_columns_ + 1);
    double sum = weights[num_columns_];
    for (size_t i = rows.begin(row); i < rows.ends[row]; ++i)
      sum += weights[rows.columns[i]] * double{rows.values[i]};
    outputs[o] = sum;
  }
  return outputs;
}

double LinearModel::objective(const SparseRows& rows, std::span<const float> targets, double l2,
                              std::span<const double> parameters,
                              std::span<double> gradient) const {
  std::fill(gradient.begin(), gradient.end(), 0.0);
  const double share = 1.0 / static_cast<double>(rows.num_rows());
  double loss = 0.0;
  for (size_t row = 0; row < rows.num_rows(); ++row) {
    std::vector<double> slopes = outputs(rows, row, parameters);
    if (num_classes_ == 1) {
      slopes[0] -= double{targets[row]};
      loss += slopes[0] * slopes[0] / 2.0;
    } else {
      loss += classification_loss(slopes, static_cast<size_t>(targets[row]));
    }
    for (size_t o = 0; o < num_outputs_; ++o) {
      double* out = gradient.data() + o * (num_columns_ + 1);
      const double slope = slopes[o] * share;
      for (size_t i = rows.begin(row); i < rows.ends[row]; ++i)
        out[rows.columns[i]] += slope * double{rows.values[i]};
      out[num_columns_] += slope;
    }
  }
  double squares = 0.0;
  for (size_t p = 0; p < parameters.size(); ++p) {
    if (p % (num_columns_ + 1) == num_columns_) continue;  // biases are not regularised
    squares += parameters[p] * parameters[p];
    gradient[p] += l2 * parameters[p];
  }
  return loss * share + l2 / 2.0 * squares;
}

LbfgsResult LinearModel::fit(const SparseRows& rows, std::span<const float> targets, double l2,
                             const LbfgsOptions& options) {
  if (rows.num_rows() != targets.size() || rows.num_columns != num_columns_ || targets.empty())
    throw std::invalid_argument("rows and targets do not fit the model");
  const Objective function = [&](std::span<const double> parameters, std::span<double> gradient) {
    return objective(rows, targets, l2, parameters, gradient);
  };
  return minimize_lbfgs(function, parameters_, options);
}

std::vector<float> LinearModel::predict(const SparseRows& rows) const {
  std::vector<float> predictions;
  for (size_t row = 0; row < rows.num_rows(); ++row) {
    const std::vector<double> values = outputs(rows, row, parameters_);
    if (num_classes_ == 1) {
      predictions.push_back(static_cast<float>(values[0]));
    } else if (num_classes_ == 2) {
      predictions.push_back(values[0] > 0.0 ? 1.0F : 0.0F);
    } else {
      predictions.push_back(
          static_cast<float>(std::max_element(values.begin(), values.end()) - values.begin()));
    }
  }
  return predictions;
}

}  // namespace linformer
