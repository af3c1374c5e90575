#include "linformer/baselines/bag_of_words.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "linformer/core/error.h"
#include "linformer/data/row_split.h"
#include "linformer/metrics/task_metrics.h"

namespace linformer {

namespace {

std::vector<float> targets_of(std::span<const LabelledExample> examples) {
  std::vector<float> targets;
  for (const LabelledExample& example : examples) targets.push_back(example.target);
  return targets;
}

double l2_of(double inverse_strength, size_t num_rows) {
  return 1.0 / (inverse_strength * static_cast<double>(num_rows));
}

std::span<const LabelledExample> checked(std::span<const LabelledExample> train) {
  const bool labelled = std::all_of(train.begin(), train.end(),
                                    [](const LabelledExample& row) { return row.has_target(); });
  if (train.empty() || !labelled) {
    fail_run("bag of words",
             train.empty() ? "no training example" : "a training file without labels",
             "give labelled examples");
  }
  return train;
}

}  // namespace

int64_t BagOfWords::num_classes() const {
  return task_.num_outputs();
}

BagOfWords::BagOfWords(std::span<const LabelledExample> train, const TaskSpec& task,
                       const BagOfWordsOptions& options)
    : task_(task), features_(checked(train)), model_(features_.num_columns(), num_classes()) {
  choose_strength(train, options);
  const std::vector<float> targets = targets_of(train);
  model_.fit(features_.rows(train), targets, l2_of(inverse_strength_, train.size()),
             options.optimizer);
}

void BagOfWords::choose_strength(std::span<const LabelledExample> train,
                                 const BagOfWordsOptions& options) {
  const RowSplit split = hold_out(train, options.held_out_share, options.seed);
  const std::vector<LabelledExample> kept = examples_at(train, split.kept);
  const std::vector<LabelledExample> held_out = examples_at(train, split.held_out);
  const TextFeatures features(kept);
  const SparseRows kept_rows = features.rows(kept);
  const SparseRows held_out_rows = features.rows(held_out);
  const std::vector<float> kept_targets = targets_of(kept);
  const std::vector<float> held_out_targets = targets_of(held_out);
  std::vector<double> candidates = options.inverse_strengths;
  std::sort(candidates.begin(), candidates.end());
  LinearModel model(features.num_columns(),
                    num_classes());  // each fit starts from the previous one
  held_out_metric_ = -std::numeric_limits<double>::infinity();
  for (const double candidate : candidates) {
    model.fit(kept_rows, kept_targets, l2_of(candidate, kept.size()), options.optimizer);
    const double value =
        metric_values(std::span(&task_.metrics.front(), 1),
                      std::span<const float>(model.predict(held_out_rows)), held_out_targets)
            .front()
            .value;
    if (!(value > held_out_metric_)) continue;
    held_out_metric_ = value;
    inverse_strength_ = candidate;
  }
  if (inverse_strength_ == 0.0) {
    fail_run("bag of words",
             "no strength of the regularisation gives a metric on held-out examples",
             "are all targets of the training file the same?");
  }
}

std::vector<float> BagOfWords::predict(std::span<const LabelledExample> examples) const {
  std::vector<float> predictions = model_.predict(features_.rows(examples));
  if (task_.kind == TaskKind::kRegression) {
    for (float& value : predictions) {
      value = static_cast<float>(
          std::clamp(static_cast<double>(value), task_.min_score, task_.max_score));
    }
  }
  return predictions;
}

std::vector<float> bag_of_words_predictions(std::span<const LabelledExample> train,
                                            std::span<const LabelledExample> test,
                                            const TaskSpec& task,
                                            const BagOfWordsOptions& options) {
  return BagOfWords(train, task, options).predict(test);
}

}  // namespace linformer
