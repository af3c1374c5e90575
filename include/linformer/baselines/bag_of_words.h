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
  /// Candidate strengths, like scikit-learn's C: l2 = 1 / (C n). The best one by the task's first
  /// metric on a held-out part of the training examples is used; of equal ones the smallest C.
  std::vector<double> inverse_strengths = {0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0};
  double held_out_share = 0.1;
  uint64_t seed = 1;  ///< of the held-out part
  /// Stops fits early; later iterations do not change the metrics.
  LbfgsOptions optimizer = {150, 8, 1e-4};
};

/// Logistic (or, for scores, ridge) regression on TextFeatures. It shows how much of a task can be
/// solved almost without word order. A pre-trained encoder has to beat this baseline.
/// Deterministic.
class BagOfWords {
 public:
  /// Chooses the strength, then fits it on all examples. Throws RunError if no strength gives a
  /// metric (all scores are the same), or if there are too few examples.
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
