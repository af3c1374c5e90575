#include <algorithm>

#include "linformer/report/task_table.h"

namespace linformer {

namespace {

using Runs = std::vector<TaskRun>;

/// Whether all runs have predictions for the same rows. Then resampling can be over rows.
bool share_rows(const Runs& left, const Runs& right) {
  const std::vector<double>& targets = left.front().targets;
  if (targets.empty()) return false;
  for (const Runs* runs : {&left, &right}) {
    for (const TaskRun& run : *runs) {
      if (run.predictions.size() != targets.size() || run.targets != targets) return false;
    }
  }
  return true;
}

/// The folds of a cross-validation: each run is paired with the other model's run with the same
/// seed and the same rows. Empty if a run has no such partner.
std::vector<PairedFold> folds_of(const Runs& left, const Runs& right) {
  std::vector<PairedFold> folds;
  if (left.size() != right.size()) return {};
  for (const TaskRun& run : left) {
    const auto partner = std::find_if(right.begin(), right.end(),
                                      [&](const TaskRun& other) { return other.seed == run.seed; });
    if (partner == right.end() || !share_rows({run}, {*partner})) return {};
    folds.push_back({run.predictions, partner->predictions, run.targets});
  }
  return folds;
}

std::vector<std::vector<double>> predictions_of(const Runs& runs) {
  std::vector<std::vector<double>> predictions;
  for (const TaskRun& run : runs) predictions.push_back(run.predictions);
  return predictions;
}

void add_rows(const Runs& left, const Runs& right, const std::string& beside,
              const BootstrapOptions& options, std::vector<ComparisonRow>& rows) {
  const TaskRow a = task_rows(left).front();
  const TaskRow b = task_rows(right).front();
  const bool same_rows = share_rows(left, right);
  const std::vector<PairedFold> folds =
      same_rows ? std::vector<PairedFold>() : folds_of(left, right);
  for (const MetricSummary& metric : a.metrics) {
    const auto other = std::find_if(b.metrics.begin(), b.metrics.end(), [&](const auto& summary) {
      return summary.name == metric.name;
    });
    if (other == b.metrics.end()) continue;
    ComparisonRow row{a.task, beside, metric.name, metric, *other, a.num_failed, b.num_failed};
    const std::optional<Metric> known = enum_of<Metric>(metric.name);
    if (known && same_rows) {
      row.resampled = "rows and seeds";
      row.interval = bootstrap_difference_of_runs(
          *known, predictions_of(left), predictions_of(right), left.front().targets, options);
    } else if (known && !folds.empty()) {
      row.resampled = "folds and rows";
      row.interval = bootstrap_difference_of_folds(*known, folds, options);
    } else {
      row.resampled = "seeds";
      row.interval = bootstrap_mean_difference(metric.values, other->values, options);
    }
    rows.push_back(std::move(row));
  }
}

/// Pairs the runs that have `left` and `right` in `side` and agree in the task and in `shared`,
/// which tables call `shared_name`.
Comparison compare(const Runs& runs, const std::string& left, const std::string& right,
                   std::string TaskRun::*side, std::string TaskRun::*shared,
                   const std::string& shared_name, const BootstrapOptions& options) {
  Comparison comparison{left, right, shared_name, options.confidence, {}};
  std::vector<std::pair<std::string, std::string>> seen;
  for (const TaskRun& run : runs) {
    const std::pair<std::string, std::string> key{run.task, run.*shared};
    if (std::find(seen.begin(), seen.end(), key) != seen.end()) continue;
    seen.push_back(key);
    Runs of_left, of_right;
    for (const TaskRun& other : runs) {
      if (other.task != run.task || other.*shared != run.*shared) continue;
      if (other.*side == left) of_left.push_back(other);
      if (other.*side == right) of_right.push_back(other);
    }
    if (!of_left.empty() && !of_right.empty())
      add_rows(of_left, of_right, run.*shared, options, comparison.rows);
  }
  return comparison;
}

}  // namespace

Comparison compare_models(const Runs& runs, const std::string& left, const std::string& right,
                          const BootstrapOptions& options) {
  return compare(runs, left, right, &TaskRun::model, &TaskRun::protocol, "protocol", options);
}

Comparison compare_protocols(const Runs& runs, const std::string& left, const std::string& right,
                             const BootstrapOptions& options) {
  return compare(runs, left, right, &TaskRun::protocol, &TaskRun::model, "model", options);
}

}  // namespace linformer
