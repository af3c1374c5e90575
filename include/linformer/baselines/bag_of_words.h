#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "linformer/baselines/lbfgs.h"
#include "linformer/baselines/linear_model.h"
#include "linformer/baselines/text_features.h"
#include "linformer/data/task_registry.h"

namespace linformer {

struct BagOfWordsOptions {
  /// Strengths to choose from, as scikit-learn's C: l2 = 1 / (C n). The best by the task's first
  /// metric on a held-out part of the training examples is taken, of equal ones the smallest C.
  std::vector<double> inverse_strengths = {0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0};
  double held_out_share = 0.1;
  uint64_t seed = 1;  ///< of the held-out part
  /// Ends fits early enough; what comes after does not move the metrics.
  LbfgsOptions optimizer = {150, 8, 1e-4};
};

/// What a task gives away without any understanding of word order: logistic (or, for scores, ridge)
/// regression on TextFeatures. The baseline that a pre-trained encoder has to beat. Deterministic.
class BagOfWords {
 public:
  /// Chooses the strength, then fits all examples with it. Throws RunError if no strength gives a
  /// metric (scores that are all the same), or if there are too few examples.
  BagOfWords(std::span<const LabelledExample> train, const TaskSpec& task,
             const BagOfWordsOptions& options = {});

  /// A class index, or a score within the task's range, for each example.
  std::vector<float> predict(std::span<const LabelledExample> examples) const;

  double inverse_strength() const { return inverse_strength_; }
  double held_out_metric() const { return held_out_metric_; }
  size_t num_columns() const { return features_.num_columns(); }

 private:
  void choose_strength(std::span<const LabelledExample> train, const BagOfWordsOptions& options);
  int64_t num_classes() const;

  TaskSpec task_;
  double inverse_strength_ = 0.0;
  double held_out_metric_ = 0.0;
  TextFeatures features_;
  LinearModel model_;
};

/// Fits on `train` and predicts `test`.
std::vector<float> bag_of_words_predictions(std::span<const LabelledExample> train,
                                            std::span<const LabelledExample> test,
                                            const TaskSpec& task,
                                            const BagOfWordsOptions& options = {});

}  // namespace linformer
