#include "linformer/report/task_table.h"

#include <algorithm>
#include <cmath>

#include "linformer/core/error.h"

namespace linformer {

namespace {

// Below this correlation, the scores of a regression have nothing to do with its targets.
constexpr double kLeastCorrelation = 0.1;

std::string name_of_row(const TaskRun& run) {
  return run.task + ", " + run.model + (run.protocol.empty() ? "" : ", " + run.protocol);
}

bool belongs(const TaskRun& run, const TaskRow& row) {
  return run.task == row.task && run.model == row.model && run.protocol == row.protocol;
}

MetricSummary summary_of(const std::string& name, std::vector<double> values) {
  MetricSummary summary{name};
  const bool defined =
      std::none_of(values.begin(), values.end(), [](double v) { return std::isnan(v); });
  const double undefined = std::numeric_limits<double>::quiet_NaN();
  summary.median = defined ? median_of(values) : undefined;
  summary.mean = mean_of(values);
  summary.standard_deviation = sample_stddev(values);
  summary.values = std::move(values);
  return summary;
}

TaskRow row_of(const std::vector<const TaskRun*>& runs) {
  const TaskRun& first = *runs.front();
  TaskRow row{first.task, first.model, first.protocol, {}, first.remark};
  row.majority_baseline = first.majority_baseline;
  row.in_average = first.in_average;
  for (size_t m = 0; m < first.metrics.size(); ++m) {
    std::vector<double> values;
    for (const TaskRun* run : runs) {
      if (run->metrics.size() != first.metrics.size() ||
          run->metrics[m].name != first.metrics[m].name) {
        fail_run(name_of_row(first), "runs with different metrics", "run all seeds alike");
      }
      values.push_back(run->metrics[m].value);
    }
    row.metrics.push_back(summary_of(first.metrics[m].name, std::move(values)));
  }
  for (const TaskRun* run : runs) {
    if (!row.seeds.empty() && row.seeds.back() == run->seed) {
      fail_run(name_of_row(first), "two runs with seed " + std::to_string(run->seed),
               "leave one out");
    }
    row.seeds.push_back(run->seed);
    row.num_failed += is_failed(*run) ? 1 : 0;
    if (std::find(row.settings.begin(), row.settings.end(), run->setting) == row.settings.end())
      row.settings.push_back(run->setting);
  }
  return row;
}

double score_of(const std::vector<MetricSummary>& metrics, double MetricSummary::*value) {
  std::vector<double> values;
  for (const MetricSummary& metric : metrics) values.push_back(metric.*value);
  return mean_of(values);
}

}  // namespace

bool is_failed(const TaskRun& run) {
  if (run.metrics.empty()) fail_run(name_of_row(run), "a run without metrics", "evaluate it");
  const double value = run.metrics.front().value;
  if (run.regression) return !(value >= kLeastCorrelation);
  return !(value > run.majority_baseline);
}

double TaskRow::median_score() const {
  return score_of(metrics, &MetricSummary::median);
}

double TaskRow::mean_score() const {
  return score_of(metrics, &MetricSummary::mean);
}

std::vector<TaskRow> task_rows(const std::vector<TaskRun>& runs) {
  std::vector<TaskRow> rows;
  for (const TaskRun& run : runs) {
    if (std::any_of(rows.begin(), rows.end(), [&](const auto& row) { return belongs(run, row); }))
      continue;
    const TaskRow key{run.task, run.model, run.protocol};
    std::vector<const TaskRun*> members;
    for (const TaskRun& other : runs) {
      if (belongs(other, key)) members.push_back(&other);
    }
    std::stable_sort(members.begin(), members.end(),
                     [](const TaskRun* a, const TaskRun* b) { return a->seed < b->seed; });
    rows.push_back(row_of(members));
  }
  return rows;
}

std::vector<AverageRow> average_rows(const std::vector<TaskRow>& rows) {
  std::vector<AverageRow> averages;
  for (const TaskRow& row : rows) {
    if (!row.in_average) continue;
    auto found = std::find_if(averages.begin(), averages.end(), [&](const AverageRow& average) {
      return average.model == row.model && average.protocol == row.protocol;
    });
    if (found == averages.end())
      found = averages.insert(averages.end(), {row.model, row.protocol, 0.0, 0.0, {}});
    found->median += row.median_score();
    found->mean += row.mean_score();
    found->tasks.push_back(row.task);
  }
  for (AverageRow& average : averages) {
    average.median /= static_cast<double>(average.tasks.size());
    average.mean /= static_cast<double>(average.tasks.size());
  }
  return averages;
}

}  // namespace linformer
