#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "linformer/core/table.h"
#include "linformer/metrics/statistics.h"
#include "linformer/metrics/task_metrics.h"

namespace linformer {

/// The result of one fine-tuning run.
struct TaskRun {
  std::string task;
  std::string model;
  std::string protocol;  ///< how its settings were chosen: "tuned", "global"
  std::string setting;   ///< "learning_rate=2e-5 batch=16"
  int64_t seed = 0;
  std::vector<MetricValue> metrics;  ///< not empty; the first decides
  bool regression = false;
  /// majority_baseline() of the deciding metric.
  double majority_baseline = std::numeric_limits<double>::quiet_NaN();
  bool in_average = true;  ///< whether the task counts in the average (GLUE's nine tasks do)
  std::string remark;      ///< about the task's data, e.g. "part of train"
  std::vector<double> predictions;  ///< in the file's order; empty = not kept
  std::vector<double> targets;
};

/// A failed run has learned nothing: its deciding metric is no better than always predicting the
/// most frequent class (Mosbach et al., arXiv 2006.04884) or, for a regression, is below 0.1 or
/// undefined.
bool is_failed(const TaskRun& run);

/// A metric over runs with different seeds; NaN if it is undefined.
struct MetricSummary {
  std::string name;
  double median = 0.0;
  double mean = 0.0;
  double standard_deviation = 0.0;  ///< of the sample; NaN for one run
  std::vector<double> values = {};  ///< by seed
};

/// All runs of one task, model and protocol, failed ones included.
struct TaskRow {
  std::string task, model, protocol;
  std::vector<std::string> settings = {};  ///< each once
  std::string remark = {};
  std::vector<MetricSummary> metrics = {};
  std::vector<int64_t> seeds = {};
  int64_t num_failed = 0;
  double majority_baseline = 0.0;
  bool in_average = true;

  /// Mean over the metrics, which is GLUE's score of a task.
  double median_score() const;
  double mean_score() const;
};

/// The average of one model and protocol over its tasks, as in GLUE: the mean of the tasks' scores.
struct AverageRow {
  std::string model, protocol;
  double median = 0.0;  ///< mean of the tasks' medians
  double mean = 0.0;    ///< mean of the tasks' means
  std::vector<std::string> tasks;
};

/// One row per task, model and protocol, in the order of their first run; runs by seed. Throws
/// RunError if runs of a row have different metrics or a seed occurs twice.
std::vector<TaskRow> task_rows(const std::vector<TaskRun>& runs);
std::vector<AverageRow> average_rows(const std::vector<TaskRow>& rows);

/// Values in percent with two decimals; "-" means undefined.
std::string task_table_text(const std::vector<TaskRow>& rows, TableStyle style);
/// {"rows": [...], "averages": [...]}; values are not scaled, null means undefined.
std::string task_table_json(const std::vector<TaskRow>& rows);

/// A comparison of two models, or of two protocols of a model, on one task.
struct ComparisonRow {
  std::string task;
  std::string beside;  ///< shared by both sides: the protocol, or the model
  std::string metric;
  MetricSummary left, right;
  int64_t left_failed = 0, right_failed = 0;
  DifferenceInterval interval = {};  ///< of the means, left - right
  /// What the interval is over: "rows and seeds" if all runs kept their predictions for the same
  /// rows, "folds and rows" if the runs of each seed did (a cross-validation), else "seeds".
  std::string resampled = {};
};

struct Comparison {
  std::string left, right;
  std::string shared;        ///< the meaning of `beside` in the rows: "protocol" or "model"
  double confidence = 0.95;  ///< of the intervals
  std::vector<ComparisonRow> rows;
};

/// Compares the tasks that both models were run on under the same protocol, by all metrics that can
/// be computed from predictions, or by the seeds' results.
Comparison compare_models(const std::vector<TaskRun>& runs, const std::string& left,
                          const std::string& right, const BootstrapOptions& options = {});
/// Compares the tasks that a model was run on under both protocols, e.g. "tuned" and "global".
Comparison compare_protocols(const std::vector<TaskRun>& runs, const std::string& left,
                             const std::string& right, const BootstrapOptions& options = {});

std::string comparison_text(const Comparison& comparison, TableStyle style);
std::string comparison_json(const Comparison& comparison);

}  // namespace linformer
