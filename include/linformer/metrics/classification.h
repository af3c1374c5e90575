#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace linformer {

/// How often each class was predicted for each label. All metrics of a classification follow from
/// these counts. Each equals scikit-learn's, also if a denominator is 0.
class ConfusionCounts {
 public:
  /// Both are class indices from 0, in lists of the same length. Throws RunError without rows.
  ConfusionCounts(std::span<const int64_t> predictions, std::span<const int64_t> labels);

  int64_t num_classes() const { return num_classes_; }
  int64_t num_rows() const { return num_rows_; }
  /// Number of rows with this label and this prediction; both from 0 to num_classes() - 1.
  int64_t count(int64_t label, int64_t prediction) const;
  /// Number of rows with a label, and number of rows with a prediction.
  int64_t label_count(int64_t label) const;
  int64_t prediction_count(int64_t prediction) const;

  double accuracy() const;
  /// 2 tp / (2 tp + fp + fn) of one class against all others; 0 if the class is neither a label nor
  /// a prediction of any row.
  double f1(int64_t positive_class) const;
  /// Mean of f1() over the classes that are a label or a prediction of some row.
  double macro_f1() const;
  /// Gorodkin's generalisation (2004) of Matthews' correlation to any number of classes:
  ///
  ///   (c s - sum_k p_k t_k) / sqrt((s^2 - sum_k p_k^2) (s^2 - sum_k t_k^2))
  ///
  /// with s rows, c correct ones, t_k rows of label k, p_k predictions of k. 0 if all labels or all
  /// predictions are one class.
  double matthews_correlation() const;

 private:
  int64_t num_classes_ = 0;
  int64_t num_rows_ = 0;
  std::vector<int64_t> counts_;  // (label, prediction)
};

/// The most frequent label; of equally frequent ones the smallest. Throws RunError without rows.
int64_t majority_class(std::span<const int64_t> labels);
/// Share of the rows that have the most frequent label. Throws RunError without rows.
double majority_class_rate(std::span<const int64_t> labels);

}  // namespace linformer
