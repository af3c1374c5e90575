#include "linformer/metrics/classification.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "linformer/core/error.h"

namespace linformer {

namespace {

void check_rows(size_t num_rows) {
  if (num_rows == 0) {
    fail_run("metrics", "no row to compare predictions with",
             "give a file with at least one labelled row");
  }
}

int64_t largest(std::span<const int64_t> classes) {
  const auto [smallest, largest] = std::minmax_element(classes.begin(), classes.end());
  if (*smallest < 0) throw std::out_of_range("a negative class");
  return *largest;
}

std::vector<int64_t> counts_of(std::span<const int64_t> labels) {
  check_rows(labels.size());
  std::vector<int64_t> counts(static_cast<size_t>(largest(labels)) + 1, 0);
  for (const int64_t label : labels) ++counts[static_cast<size_t>(label)];
  return counts;
}

}  // namespace

ConfusionCounts::ConfusionCounts(std::span<const int64_t> predictions,
                                 std::span<const int64_t> labels) {
  check_rows(labels.size());
  if (predictions.size() != labels.size())
    throw std::invalid_argument("as many predictions as labels are needed");
  num_classes_ = std::max(largest(predictions), largest(labels)) + 1;
  num_rows_ = static_cast<int64_t>(labels.size());
  counts_.assign(static_cast<size_t>(num_classes_ * num_classes_), 0);
  for (size_t i = 0; i < labels.size(); ++i)
    ++counts_[static_cast<size_t>(labels[i] * num_classes_ + predictions[i])];
}

int64_t ConfusionCounts::count(int64_t label, int64_t prediction) const {
  return counts_.at(static_cast<size_t>(label * num_classes_ + prediction));
}

int64_t ConfusionCounts::label_count(int64_t label) const {
  int64_t sum = 0;
  for (int64_t k = 0; k < num_classes_; ++k) sum += count(label, k);
  return sum;
}

int64_t ConfusionCounts::prediction_count(int64_t prediction) const {
  int64_t sum = 0;
  for (int64_t k = 0; k < num_classes_; ++k) sum += count(k, prediction);
  return sum;
}

double ConfusionCounts::accuracy() const {
  int64_t right = 0;
  for (int64_t k = 0; k < num_classes_; ++k) right += count(k, k);
  return static_cast<double>(right) / static_cast<double>(num_rows_);
}

double ConfusionCounts::f1(int64_t positive_class) const {
  if (positive_class >= num_classes_) return 0.0;
  // tp + fp are the predictions of the class, tp + fn its labels.
  const int64_t denominator = label_count(positive_class) + prediction_count(positive_class);
  if (denominator == 0) return 0.0;
  return 2.0 * static_cast<double>(count(positive_class, positive_class)) /
         static_cast<double>(denominator);
}

double ConfusionCounts::macro_f1() const {
  double sum = 0.0;
  int64_t present = 0;
  for (int64_t k = 0; k < num_classes_; ++k) {
    if (label_count(k) + prediction_count(k) == 0) continue;
    sum += f1(k);
    ++present;
  }
  return sum / static_cast<double>(present);
}

double ConfusionCounts::matthews_correlation() const {
  const auto s = static_cast<double>(num_rows_);
  double right = 0.0, products = 0.0, predictions_squared = 0.0, labels_squared = 0.0;
  for (int64_t k = 0; k < num_classes_; ++k) {
    const auto t = static_cast<double>(label_count(k));
    const auto p = static_cast<double>(prediction_count(k));
    right += static_cast<double>(count(k, k));
    products += p * t;
    predictions_squared += p * p;
    labels_squared += t * t;
  }
  const double denominator = (s * s - predictions_squared) * (s * s - labels_squared);
  if (denominator == 0.0) return 0.0;
  return (right * s - products) / std::sqrt(denominator);
}

int64_t majority_class(std::span<const int64_t> labels) {
  const std::vector<int64_t> counts = counts_of(labels);
  return std::max_element(counts.begin(), counts.end()) - counts.begin();
}

double majority_class_rate(std::span<const int64_t> labels) {
  const std::vector<int64_t> counts = counts_of(labels);
  return static_cast<double>(*std::max_element(counts.begin(), counts.end())) /
         static_cast<double>(labels.size());
}

}  // namespace linformer
