// Panels of held-out perplexities.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <map>
#include <set>

#include "report_panels.h"

#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/experiments/run_record.h"
#include "linformer/metrics/statistics.h"

namespace linformer {
namespace {

constexpr double kMillion = 1e6;
constexpr const char* kBand =
    " Lines are geometric means over seeds, bands reach from the lowest "
    "to the highest seed.";

/// Perplexities of all seeds at one step.
struct StepValues {
  double tokens = 0.0;
  std::vector<double> seconds, perplexities;
};

double geometric_mean(const std::vector<double>& values) {
  double sum = 0.0;
  for (const double value : values) sum += std::log(value);
  return std::exp(sum / static_cast<double>(values.size()));
}

/// Points that all seeds of a run have, by step.
std::map<int64_t, StepValues> steps_of(const RunGroup& group) {
  std::map<int64_t, StepValues> steps;
  for (const RunRecord* record : group.records) {
    for (const CurvePoint& point : curve_of(*record)) {
      if (!(point.perplexity > 0.0)) continue;
      StepValues& values = steps[point.step];
      values.tokens = static_cast<double>(point.tokens);
      values.seconds.push_back(point.seconds);
      values.perplexities.push_back(point.perplexity);
    }
  }
  std::erase_if(steps, [&](const auto& step) {
    return step.second.perplexities.size() < group.records.size();
  });
  return steps;
}

LineSeries series_of(const RunGroup& group, bool over_seconds) {
  LineSeries series;
  series.name = group.label;
  for (const auto& [step, values] : steps_of(group)) {
    series.x.push_back(over_seconds ? mean_of(values.seconds) : values.tokens / kMillion);
    series.y.push_back(geometric_mean(values.perplexities));
    if (group.records.size() < 2) continue;
    const auto [low, high] =
        std::minmax_element(values.perplexities.begin(), values.perplexities.end());
    series.low.push_back(*low);
    series.high.push_back(*high);
  }
  return series;
}

void add_table(const PanelContext& context, const std::vector<RunGroup>& groups,
               const std::optional<RunGroup>& baseline) {
  const double margin = context.panel.margin;
  HtmlTable table;
  table.caption = context.title() + ": held-out perplexity at the end";
  table.header = {{{"model"}, {"perplexity"}, {"seeds"}, {"tokens/s of a run"}}};
  if (baseline) table.header[0].push_back({"ratio to " + baseline->label});
  if (baseline && margin > 0.0) table.header[0].push_back({"statement"});
  HtmlRowGroup& rows = table.groups.emplace_back();
  for (const RunGroup& group : groups) {
    const std::vector<double> values = group.perplexities();
    const std::vector<double> speeds = group.numbers("tokens_per_second");
    std::vector<HtmlCell> row{
        text_cell(group.label), mean_cell(group, values, 4),
        number_cell(std::to_string(group.records.size())),
        speeds.empty() ? missing_cell() : number_cell(format_count(std::llround(mean_of(speeds))))};
    if (baseline) {
      const std::vector<double> others = baseline->perplexities();
      const bool known = !values.empty() && !others.empty();
      row.push_back(
          known ? number_cell(format_fixed(geometric_mean(values) / geometric_mean(others), 3))
                : missing_cell());
      if (margin > 0.0) {
        row.push_back(group.name == baseline->name
                          ? text_cell("the baseline")
                          : badge_cell(badge_of(compare_perplexities(group, *baseline, margin))));
      }
    }
    rows.rows.push_back(std::move(row));
  }
  table.notes.push_back("± is half the width of the 95 % interval of the mean (Student's t).");
  if (baseline && margin > 0.0) {
    table.notes.push_back("Statements are computed: two one-sided tests with a margin of " +
                          format_number(100.0 * margin) +
                          " % on the ratio, over pairs of runs of the same seed.");
  }
  context.page.table(table);
}

/// The groups, with the baseline among them.
std::vector<RunGroup> with_baseline(const PanelContext& context,
                                    const std::optional<RunGroup>& baseline) {
  std::vector<RunGroup> groups = groups_of(context);
  const bool there = baseline && std::any_of(groups.begin(), groups.end(), [&](const auto& one) {
                       return one.name == baseline->name;
                     });
  if (baseline && !there) groups.insert(groups.begin(), *baseline);
  return groups;
}

void add_curve_figure(const PanelContext& context, const std::vector<RunGroup>& groups,
                      bool over_seconds) {
  LinePlot lines;
  lines.x.title = over_seconds ? "training time (s)" : "tokens (millions)";
  lines.y.title = "held-out perplexity";
  lines.y.scale = PlotScale::kLog10;
  for (const RunGroup& group : groups) lines.series.push_back(series_of(group, over_seconds));
  Plot plot;
  plot.title = context.title();
  plot.description = "Held-out perplexity over " + lines.x.title + ", a line for each model.";
  plot.content = std::move(lines);
  context.page.figure({{plot_svg(plot, context.page.next_plot_id())}},
                      context.title() + "." + kBand + " " + context.panel.note);
}

std::optional<double> number_in(const TemplateValues& values, const std::string& name) {
  const auto found = values.find(name);
  if (found == values.end() || found->second.size() != 1) return std::nullopt;
  char* end = nullptr;
  const double value = std::strtod(found->second.front().c_str(), &end);
  if (end == found->second.front().c_str() || *end != '\0') return std::nullopt;
  return value;
}

/// The machines and loads under which the runs were timed.
std::set<std::string> conditions_of(const std::vector<RunGroup>& groups) {
  std::set<std::string> conditions;
  for (const RunGroup& group : groups) {
    for (const RunRecord* record : group.records) {
      conditions.insert(record->machine + ", threads: " + std::to_string(record->threads) +
                        ", runs at a time: " + std::to_string(record->jobs));
    }
  }
  return conditions;
}

/// The perplexity at a time, interpolated between the logarithms of two evaluations.
std::optional<double> at_seconds(const LineSeries& series, double seconds) {
  for (size_t i = 1; i < series.x.size(); ++i) {
    if (series.x[i] < seconds) continue;
    if (!(series.x[i] > series.x[i - 1])) return series.y[i];  // clocks that stood still
    const double share = (seconds - series.x[i - 1]) / (series.x[i] - series.x[i - 1]);
    if (share < 0.0) return std::nullopt;
    return std::exp((1.0 - share) * std::log(series.y[i - 1]) + share * std::log(series.y[i]));
  }
  return std::nullopt;
}

}  // namespace

void add_curves(const PanelContext& context) {
  const std::optional<RunGroup> baseline = baseline_of(context);
  const std::vector<RunGroup> groups = with_baseline(context, baseline);
  add_curve_figure(context, groups, false);
  add_table(context, groups, baseline);
}

void add_finals(const PanelContext& context) {
  const std::optional<RunGroup> baseline = baseline_of(context);
  const std::vector<RunGroup> groups = with_baseline(context, baseline);
  if (!context.panel.note.empty()) context.page.paragraph(context.panel.note);
  add_table(context, groups, baseline);
}

void add_over(const PanelContext& context) {
  const std::string variable = context.option("x");
  if (variable.empty()) context.fail("has no x", "name the variable of its runs, e.g. x: k");
  const std::optional<RunGroup> baseline = baseline_of(context);
  const std::vector<RunGroup> groups = groups_of(context);
  const std::string split = context.option("columns");
  require_variable(context, groups, "x", variable);
  if (!split.empty()) require_variable(context, groups, "columns", split);
  std::map<std::string, LineSeries> lines;
  double lowest = std::numeric_limits<double>::infinity(), highest = 0.0;
  for (const RunGroup& group : groups) {
    const std::optional<double> x = number_in(group.values, variable);
    const std::vector<double> values = group.perplexities();
    if (!x || values.empty()) continue;
    std::string name = "Linformer";
    if (const auto found = group.values.find(split); found != group.values.end()) {
      name = split + " = " + found->second.front();
    }
    LineSeries& series = lines[name];
    series.name = name;
    series.x.push_back(*x);
    series.y.push_back(geometric_mean(values));
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    series.low.push_back(*low);
    series.high.push_back(*high);
    lowest = std::min(lowest, *x);
    highest = std::max(highest, *x);
  }
  LinePlot content;
  content.x.title = variable;
  content.x.scale = PlotScale::kLog2;
  content.y.title = "held-out perplexity";
  for (auto& [name, series] : lines) content.series.push_back(std::move(series));
  if (baseline && !baseline->perplexities().empty() && highest > 0.0) {
    const double y = geometric_mean(baseline->perplexities());
    LineSeries line;
    line.name = baseline->label;
    line.x = {lowest, highest};
    line.y = {y, y};
    line.markers = false;
    content.series.push_back(std::move(line));
  }
  Plot plot;
  plot.title = context.title();
  plot.description = "Held-out perplexity at the end over " + variable + ".";
  plot.content = std::move(content);
  context.page.figure({{plot_svg(plot, context.page.next_plot_id())}},
                      context.title() + "." + kBand + " " + context.panel.note);
  add_table(context, with_baseline(context, baseline), baseline);
}

void add_equal_seconds(const PanelContext& context) {
  const std::vector<RunGroup> groups = groups_of(context);
  add_curve_figure(context, groups, true);
  std::vector<LineSeries> lines;
  double common = std::numeric_limits<double>::infinity();
  for (const RunGroup& group : groups) {
    lines.push_back(series_of(group, true));
    if (!lines.back().x.empty()) common = std::min(common, lines.back().x.back());
  }
  HtmlTable table;
  table.caption = std::isfinite(common)
                      ? "Perplexity after " + format_duration(common) +
                            " of training, the time of the fastest model's whole run"
                      : "Perplexity after equal time";
  table.header = {
      {{"model"}, {"perplexity"}, {"time of the whole run"}, {"perplexity at its end"}}};
  HtmlRowGroup& rows = table.groups.emplace_back();
  for (size_t i = 0; i < groups.size(); ++i) {
    const std::optional<double> value = at_seconds(lines[i], common);
    const bool measured = !lines[i].x.empty();
    rows.rows.push_back(
        {text_cell(groups[i].label),
         value ? number_cell(format_number(*value)) : missing_cell(groups[i].gap()),
         measured ? number_cell(format_duration(lines[i].x.back())) : missing_cell(),
         measured ? number_cell(format_number(lines[i].y.back())) : missing_cell()});
  }
  table.notes.push_back(
      "Each model keeps its own schedule of learning rates, which ends with its last step. So at "
      "equal time only the schedule of the fastest model has ended, which favours it.");
  const std::set<std::string> conditions = conditions_of(groups);
  if (conditions.size() > 1) {
    std::string text = "These times do not compare: the runs had different machines or loads (";
    for (const std::string& condition : conditions) {
      text += (condition == *conditions.begin() ? "" : "; ") + condition;
    }
    table.notes.push_back(text + ").");
  }
  context.page.table(table);
}

}  // namespace linformer
