#include <cmath>

#include <nlohmann/json.hpp>

#include "linformer/core/format.h"
#include "linformer/core/json_text.h"
#include "linformer/report/task_table.h"

namespace linformer {

namespace {

using Cells = std::vector<std::string>;

std::string percent(double value) {
  return std::isfinite(value) ? format_fixed(100.0 * value, 2) : "-";
}

/// A value with its sign, for differences.
std::string signed_percent(double value) {
  return (value > 0.0 ? "+" : "") + percent(value);
}

std::string cell(const std::string& text) {
  std::string escaped;
  for (const char letter : text) {
    if (letter == '|') escaped += '\\';
    escaped += letter == '\n' ? ' ' : letter;
  }
  return escaped;
}

std::string markdown(const Cells& header, const std::vector<Cells>& rows) {
  std::string table;
  const auto add = [&](const Cells& cells) {
    for (const std::string& text : cells) table += "| " + cell(text) + " ";
    table += "|\n";
  };
  add(header);
  for (size_t i = 0; i < header.size(); ++i) table += "|---";
  table += "|\n";
  for (const Cells& row : rows) add(row);
  return table;
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

std::string task_table_markdown(const std::vector<TaskRow>& rows) {
  std::vector<Cells> lines;
  for (const TaskRow& row : rows) {
    for (size_t m = 0; m < row.metrics.size(); ++m) {
      const MetricSummary& metric = row.metrics[m];
      lines.push_back({row.task, row.model, row.protocol, metric.name, percent(metric.median),
                       percent(metric.mean), percent(metric.standard_deviation),
                       std::to_string(row.seeds.size()), std::to_string(row.num_failed),
                       m == 0 ? percent(row.majority_baseline) : "", joined(row.settings, "; "),
                       row.remark});
    }
  }
  std::string text = markdown({"task", "model", "protocol", "metric", "median", "mean", "sd",
                               "seeds", "failed", "majority", "setting", "data"},
                              lines);
  lines.clear();
  for (const AverageRow& row : average_rows(rows)) {
    lines.push_back({row.model, row.protocol, percent(row.median), percent(row.mean),
                     std::to_string(row.tasks.size()), joined(row.tasks, ", ")});
  }
  if (lines.empty()) return text;
  return text + "\n" +
         markdown({"model", "protocol", "average of medians", "average of means", "tasks", "of"},
                  lines);
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

std::string comparison_markdown(const Comparison& comparison) {
  std::vector<Cells> lines;
  for (const ComparisonRow& row : comparison.rows) {
    const auto side = [](const MetricSummary& summary, int64_t failed) {
      return percent(summary.mean) + " (" + percent(summary.median) + ", " +
             std::to_string(summary.values.size()) + " seeds, " + std::to_string(failed) +
             " failed)";
    };
    lines.push_back({row.task, row.beside, row.metric, side(row.left, row.left_failed),
                     side(row.right, row.right_failed), signed_percent(row.interval.difference),
                     signed_percent(row.interval.low) + " to " + signed_percent(row.interval.high),
                     row.resampled});
  }
  return markdown({"task", comparison.shared, "metric", comparison.left + ": mean (median)",
                   comparison.right + ": mean (median)", "difference",
                   format_number(100.0 * comparison.confidence) + " % interval", "over"},
                  lines);
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
