// Panels of attention matrices: spectra and the error of projections.
#include <algorithm>
#include <cmath>
#include <optional>

#include <nlohmann/json.hpp>

#include "report_panels.h"

#include "linformer/core/format.h"
#include "linformer/experiments/run_record.h"

namespace linformer {
namespace {

using Json = nlohmann::ordered_json;

std::vector<double> numbers_of(const Json& list) {
  std::vector<double> numbers;
  for (const Json& each : list) {
    if (each.is_number()) numbers.push_back(each.get<double>());
  }
  return numbers;
}

/// The mean over heads of the cumulative singular values of a layer.
LineSeries layer_line(const Json& layer) {
  LineSeries line;
  line.name = "layer " + std::to_string(layer.value("layer", 0) + 1);
  size_t heads = 0;
  for (const Json& head : layer.at("heads")) {
    const std::vector<double> values = numbers_of(head.at("cumulative"));
    if (line.y.empty()) line.y.assign(values.size(), 0.0);
    for (size_t i = 0; i < std::min(values.size(), line.y.size()); ++i) line.y[i] += values[i];
    ++heads;
  }
  for (size_t i = 0; i < line.y.size(); ++i) {
    line.x.push_back(static_cast<double>(i + 1));
    line.y[i] /= static_cast<double>(std::max<size_t>(1, heads));
  }
  return line;
}

Plot spectrum_plot(const RunGroup& group, const Json& result) {
  LinePlot lines;
  lines.x.title = "number of singular values, largest first";
  lines.y.title = "cumulative, share of the sum";
  lines.y.low = 0.0;
  lines.y.high = 1.0;
  double columns = 1.0;
  for (const Json& layer : result.at("layers")) {
    LineSeries line = layer_line(layer);
    line.markers = false;
    columns = std::max(columns, static_cast<double>(line.x.size()));
    lines.series.push_back(std::move(line));
  }
  lines.x.high = columns;
  Plot plot;
  plot.title = "Spectrum: " + group.label;
  plot.description = "Cumulative singular values of the attention matrices, a line for each layer.";
  plot.content = std::move(lines);
  plot.width = 480;
  plot.height = 360;
  return plot;
}

/// The smallest and the largest value of all heads, so that maps beside each other share colours.
struct ColorRange {
  std::optional<double> low, high;

  void take(const Json& result) {
    for (const Json& layer : result.at("layers")) {
      for (const Json& head : layer.at("heads")) {
        if (!head.contains("at_index") || !head.at("at_index").is_number()) continue;
        const double value = head.at("at_index").get<double>();
        low = std::min(low.value_or(value), value);
        high = std::max(high.value_or(value), value);
      }
    }
  }
};

Plot index_plot(const RunGroup& group, const Json& result, const ColorRange& range) {
  HeatMap map;
  map.low = range.low;
  map.high = range.high;
  map.row_title = "layer";
  map.column_title = "head";
  map.decimals = 3;
  for (const Json& layer : result.at("layers")) {
    map.rows.push_back(std::to_string(layer.value("layer", 0) + 1));
    std::vector<double>& row = map.values.emplace_back();
    for (const Json& head : layer.at("heads")) row.push_back(number_in(head, "at_index"));
    while (map.columns.size() < row.size()) {
      map.columns.push_back(std::to_string(map.columns.size() + 1));
    }
  }
  for (auto& row : map.values) row.resize(map.columns.size(), std::nan(""));
  Plot plot;
  plot.title = "Spectrum by layer and head: " + group.label;
  plot.description = "Cumulative singular value at one index, for each layer and head.";
  plot.content = std::move(map);
  plot.width = 480;
  plot.height = 300;
  return plot;
}

/// The errors of a theorem over k at one n, one line for each summary.
void add_error_lines(const Json& theorem, int64_t n, const char* summary, const std::string& name,
                     std::vector<LineSeries>& lines) {
  LineSeries line;
  line.name = name;
  for (const Json& errors : theorem) {
    if (errors.value("n", int64_t{0}) != n || !errors.contains(summary)) continue;
    line.x.push_back(errors.value("k", 0.0));
    line.y.push_back(number_in(errors.at(summary), "mean"));
  }
  if (!line.x.empty()) lines.push_back(std::move(line));
}

Plot error_plot(const PanelContext& context, const Json& result, int64_t n) {
  LinePlot content;
  content.x.title = "projected rows k";
  content.x.scale = PlotScale::kLog2;
  content.y.title = "relative error, mean";
  content.y.scale = PlotScale::kLog10;
  add_error_lines(result.at("theorem_1"), n, "random", "theorem 1", content.series);
  add_error_lines(result.at("theorem_1"), n, "best", "P cut to rank k", content.series);
  add_error_lines(result.at("theorem_2"), n, "of_output", "theorem 2, relative to the output",
                  content.series);
  add_error_lines(result.at("theorem_2"), n, "of_bound", "theorem 2, relative to its bound",
                  content.series);
  Plot plot;
  plot.title = context.title() + ", n = " + std::to_string(n);
  plot.description = "Relative error of projected attention over k.";
  plot.content = std::move(content);
  plot.width = 480;
  plot.height = 380;
  return plot;
}

void add_error_figure(const PanelContext& context, const RunGroup& group, const Json& result) {
  std::vector<int64_t> lengths;
  for (const Json& errors : result.at("theorem_1")) {
    const int64_t n = errors.value("n", int64_t{0});
    if (std::find(lengths.begin(), lengths.end(), n) == lengths.end()) lengths.push_back(n);
  }
  std::vector<HtmlPanel> panels;
  for (const int64_t n : lengths) {
    panels.push_back({plot_svg(error_plot(context, result, n), context.page.next_plot_id()),
                      "n = " + std::to_string(n)});
  }
  context.page.figure(
      panels,
      context.title() + ", " + group.label + ": " +
          format_count(result.value("sequences", 0), "sequence") +
          ", all layers and heads with standard attention. Theorem 1: |P RᵀR w − P w| / "
          "|P w|. P cut to rank k: the same with P's k largest singular values instead of P RᵀR. "
          "Theorem 2: the error divided by the output |softmax(w) V|, and by |softmax(w)| |V|, the "
          "bound in its statement. Relative to the output, 1 is an error as large as the output.");
}

void add_bounds(const PanelContext& context, const Json& result) {
  HtmlTable table;
  table.caption = "k that the theorems ask for (factors that the paper leaves open are 1)";
  table.header = {{{"n", 1, 2},
                   {"ε", 1, 2},
                   {"theorem 1"},
                   {"theorem 2, statement: the smaller of", 2},
                   {"theorem 2, proof: first and second step", 2}},
                  {{"5 ln n / (ε² − ε³)"},
                   {"5 ln n / ε²"},
                   {"9 d ln d / ε²"},
                   {"5 ln(n d) / (ε² − ε³)"},
                   {"9 ln d / (ε² − ε³)"}}};
  HtmlRowGroup& body = table.groups.emplace_back();
  for (const Json& bound : result.at("bounds")) {
    const Json& second = bound.at("theorem_2_k");
    const auto rounded = [](double k) {
      return number_cell(format_count(std::llround(std::ceil(k))));
    };
    body.rows.push_back(
        {text_cell(std::to_string(bound.value("n", int64_t{0}))),
         number_cell(format_number(bound.value("epsilon", 0.0))),
         rounded(bound.value("theorem_1_k", 0.0)), rounded(second.value("statement_n", 0.0)),
         rounded(second.value("statement_d", 0.0)), rounded(second.value("proof_nd", 0.0)),
         rounded(second.value("proof_d", 0.0))});
  }
  table.notes.push_back(
      "d is the width of a head. A k above n says nothing, since n rows need no projection.");
  context.page.table(table);
}

void add_learned(const PanelContext& context, const RunGroup& group, const Json& result) {
  HtmlTable table;
  table.caption = group.label + ": |(P̄ F − P) w| / |P w| of a trained Linformer";
  table.header = {{{"layer"}, {"head"}, {"n"}, {"k"}, {"mean"}, {"median"}, {"95th percentile"}}};
  HtmlRowGroup& body = table.groups.emplace_back();
  for (const Json& errors : result.at("learned")) {
    const auto number = [&](const char* key) {
      const double value = number_in(errors, key);
      return std::isfinite(value) ? number_cell(format_number(value, 3)) : missing_cell();
    };
    body.rows.push_back({text_cell(std::to_string(errors.value("layer", 0) + 1)),
                         number_cell(std::to_string(errors.value("head", 0) + 1)), number("n"),
                         number("k"), number("mean"), number("median"), number("percentile_95")});
  }
  table.notes.push_back(
      "Exact attention by the same weights on the same input. The Linformer was trained with its "
      "projection, so the two need not agree for it to work.");
  context.page.table(table);
}

}  // namespace

void add_spectrum(const PanelContext& context) {
  const std::vector<RunGroup> groups = groups_of(context);
  ColorRange range;
  for (const RunGroup& group : groups) {
    const Json result = group.records.empty() ? Json{} : result_of(*group.records.front());
    if (result.contains("layers")) range.take(result);
  }
  std::vector<HtmlPanel> lines, maps;
  std::string used, indices;
  for (const RunGroup& group : groups) {
    if (group.records.empty()) {
      context.page.paragraph(group.label + ": " + group.gap() + ".");
      continue;
    }
    const Json result = result_of(*group.records.front());
    if (!result.contains("layers")) continue;
    lines.push_back(
        {plot_svg(spectrum_plot(group, result), context.page.next_plot_id()), group.label});
    maps.push_back(
        {plot_svg(index_plot(group, result, range), context.page.next_plot_id()), group.label});
    used += (used.empty() ? " " : "; ") + group.label + ": " +
            format_count(result.value("sequences", 0), "sequence") + " of " +
            format_count(result.value("n", 0), "token");
    indices += (indices.empty() ? "" : " and ") + format_count(result.value("index", 0)) + " of " +
               format_count(result.value("n", 0));
  }
  if (lines.empty()) return;
  context.page.figure(lines, context.title() + ", mean over heads and sequences." + used + ".");
  context.page.figure(maps, "The same at one number of singular values (" + indices +
                                "; the paper: 128 of 512), for each layer and head. All maps have "
                                "one scale of colours.");
}

void add_projection_error(const PanelContext& context) {
  for (const RunGroup& group : groups_of(context)) {
    if (group.records.empty()) {
      context.page.paragraph(group.label + ": " + group.gap() + ".");
      continue;
    }
    const Json result = result_of(*group.records.front());
    if (result.contains("theorem_1") && !result.at("theorem_1").empty()) {
      add_error_figure(context, group, result);
      add_bounds(context, result);
    }
    if (result.contains("learned") && !result.at("learned").empty()) {
      add_learned(context, group, result);
    }
  }
}

}  // namespace linformer
