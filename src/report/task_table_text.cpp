#include <algorithm>
#include <cmath>
#include <utility>

#include <nlohmann/json.hpp>

#include "linformer/core/format.h"
#include "linformer/core/json_text.h"
#include "linformer/metrics/percent.h"
#include "linformer/report/task_table.h"

namespace linformer {

namespace {

using Cells = std::vector<std::string>;

/// A value with its sign, for differences.
std::string signed_percent(double value) {
  return (value > 0.0 ? "+" : "") + percent_text(value);
}

/// A table of a terminal has no columns without content.
std::string table_of(std::vector<Cells> rows, TableStyle style) {
  if (style == TableStyle::kMarkdown) return table_text(rows, style);
  for (size_t c = rows.front().size(); c-- > 0;) {
    const bool empty =
        std::all_of(rows.begin() + 1, rows.end(), [&](const Cells& row) { return row[c].empty(); });
    if (!empty) continue;
    for (Cells& row : rows) row.erase(row.begin() + static_cast<std::ptrdiff_t>(c));
  }
  return table_text(rows, style);
}

std::string joined(const std::vector<std::string>& texts, const char* between) {
  std::string all;
  for (const std::string& text : texts) {
    if (!text.empty()) all += (all.empty() ? "" : between) + text;
  }
  return all;
}

nlohmann::ordered_json number(double value) {
  return std::isfinite(value) ? nlohmann::ordered_json(value) : nlohmann::ordered_json(nullptr);
}

nlohmann::ordered_json summary_json(const MetricSummary& summary) {
  nlohmann::ordered_json values = nlohmann::ordered_json::array();
  for (const double value : summary.values) values.push_back(number(value));
  return {{"median", number(summary.median)},
          {"mean", number(summary.mean)},
          {"standard_deviation", number(summary.standard_deviation)},
          {"values", values}};
}

std::string text_of(const nlohmann::ordered_json& json) {
  return json_text(json, 2) + "\n";
}

}  // namespace

std::string task_table_text(const std::vector<TaskRow>& rows, TableStyle style) {
  std::vector<Cells> lines{{"task", "model", "protocol", "metric", "median", "mean", "sd", "seeds",
                            "failed", "majority", "setting", "data"}};
  for (const TaskRow& row : rows) {
    for (size_t m = 0; m < row.metrics.size(); ++m) {
      const MetricSummary& metric = row.metrics[m];
      lines.push_back({row.task, row.model, row.protocol, metric.name, percent_text(metric.median),
                       percent_text(metric.mean), percent_text(metric.standard_deviation),
                       std::to_string(row.seeds.size()), std::to_string(row.num_failed),
                       m == 0 ? percent_text(row.majority_baseline) : "",
                       joined(row.settings, "; "), row.remark});
    }
  }
  const std::string text = table_of(std::move(lines), style);
  lines = {{"model", "protocol", "average of medians", "average of means", "tasks", "of"}};
  for (const AverageRow& row : average_rows(rows)) {
    lines.push_back({row.model, row.protocol, percent_text(row.median), percent_text(row.mean),
                     std::to_string(row.tasks.size()), joined(row.tasks, ", ")});
  }
  if (lines.size() == 1) return text;
  return text + "\n" + table_of(std::move(lines), style);
}

std::string task_table_json(const std::vector<TaskRow>& rows) {
  nlohmann::ordered_json all{{"rows", nlohmann::ordered_json::array()},
                             {"averages", nlohmann::ordered_json::array()}};
  for (const TaskRow& row : rows) {
    nlohmann::ordered_json metrics = nlohmann::ordered_json::object();
    for (const MetricSummary& metric : row.metrics) metrics[metric.name] = summary_json(metric);
    all["rows"].push_back({{"task", row.task},
                           {"model", row.model},
                           {"protocol", row.protocol},
                           {"settings", row.settings},
                           {"data", row.remark},
                           {"metrics", metrics},
                           {"seeds", row.seeds},
                           {"failed", row.num_failed},
                           {"majority_baseline", number(row.majority_baseline)}});
  }
  for (const AverageRow& row : average_rows(rows)) {
    all["averages"].push_back({{"model", row.model},
                               {"protocol", row.protocol},
                               {"median", number(row.median)},
                               {"mean", number(row.mean)},
                               {"tasks", row.tasks}});
  }
  return text_of(all);
}

std::string comparison_text(const Comparison& comparison, TableStyle style) {
  std::vector<Cells> lines{{"task", comparison.shared, "metric",
                            comparison.left + ": mean (median)",
                            comparison.right + ": mean (median)", "difference",
                            format_number(100.0 * comparison.confidence) + " % interval", "over"}};
  for (const ComparisonRow& row : comparison.rows) {
    const auto side = [](const MetricSummary& summary, int64_t failed) {
      return percent_text(summary.mean) + " (" + percent_text(summary.median) + ", " +
             std::to_string(summary.values.size()) + " seeds, " + std::to_string(failed) +
             " failed)";
    };
    lines.push_back({row.task, row.beside, row.metric, side(row.left, row.left_failed),
                     side(row.right, row.right_failed), signed_percent(row.interval.difference),
                     signed_percent(row.interval.low) + " to " + signed_percent(row.interval.high),
                     row.resampled});
  }
  return table_of(std::move(lines), style);
}

std::string comparison_json(const Comparison& comparison) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const ComparisonRow& row : comparison.rows) {
    nlohmann::ordered_json left = summary_json(row.left), right = summary_json(row.right);
    left["failed"] = row.left_failed;
    right["failed"] = row.right_failed;
    rows.push_back({{"task", row.task},
                    {"shared", row.beside},
                    {"metric", row.metric},
                    {"left", left},
                    {"right", right},
                    {"difference", number(row.interval.difference)},
                    {"low", number(row.interval.low)},
                    {"high", number(row.interval.high)},
                    {"resampled", row.resampled}});
  }
  return text_of({{"left", comparison.left},
                  {"right", comparison.right},
                  {"confidence", comparison.confidence},
                  {"rows", rows}});
}

}  // namespace linformer
