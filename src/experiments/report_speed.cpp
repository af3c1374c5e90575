// Panels of speed: operation counts, time and memory of an encoder over the length.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <set>

#include <nlohmann/json.hpp>

#include "report_panels.h"

#include "linformer/core/format.h"
#include "linformer/experiments/run_record.h"

namespace linformer {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kMillion = 1e6;

/// The result of the panel's only run, or nothing, with a word on the page.
std::optional<Json> only_result(const PanelContext& context) {
  for (const RunGroup& group : groups_of(context)) {
    if (!group.records.empty()) return result_of(*group.records.front());
    context.page.paragraph(group.label + ": " + group.gap() + ".");
  }
  return std::nullopt;
}

std::string growth_text(const Json& growth) {
  const double exponent = growth.is_object() ? number_in(growth, "exponent") : std::nan("");
  if (!std::isfinite(exponent)) return "-";
  const double error = number_in(growth, "standard_error");
  return format_fixed(exponent, 3) + (std::isfinite(error) ? " ± " + format_fixed(error, 3) : "");
}

void add_operation_table(const PanelContext& context, const Json& result) {
  HtmlTable table;
  table.caption = "Exponents of n, fitted, and operator calls";
  table.header = {{{"kind of attention", 1, 2},
                   {"exponent of n", 2},
                   {"operator calls", 2},
                   {"counted / cost model", 1, 2}},
                  {{"attention part"}, {"whole layer"}, {"shortest n"}, {"longest n"}}};
  HtmlRowGroup& body = table.groups.emplace_back();
  for (const Json& kind : result.at("kinds")) {
    double first = std::nan(""), last = std::nan(""), ratio = std::nan("");
    for (const Json& one : kind.at("measurements")) {
      const double calls = number_in(one, "operator_calls");
      if (!std::isfinite(calls)) continue;
      if (!std::isfinite(first)) first = calls;
      last = calls;
      ratio = number_in(one, "multiply_adds") / number_in(one, "model_multiply_adds");
    }
    body.rows.push_back(
        {text_cell(kind.value("variant", "")),
         number_cell(growth_text(kind.at("attention_growth"))),
         number_cell(growth_text(kind.at("whole_growth"))),
         std::isfinite(first) ? number_cell(format_number(first)) : missing_cell(),
         std::isfinite(last) ? number_cell(format_number(last)) : missing_cell(),
         std::isfinite(ratio) ? number_cell(format_fixed(ratio, 3)) : missing_cell()});
  }
  table.notes.push_back(
      "± is the standard error of the fit. Operator calls that do not grow with n are O(1) "
      "sequential operations.");
  table.notes.push_back(
      "headwise, key_value (layerwise has the same count) and none are sharing modes of a linear E "
      "and F. strided, mean_pool, max_pool and conv are other projections. value_convolution is "
      "headwise with a convolution over the values.");
  table.notes.push_back(
      "Counted / cost model: the multiply-adds of the whole layer at the longest n, divided by "
      "those of the formula that estimates FLOPs (include/linformer/nn/model_cost.h).");
  context.page.table(table);
}

// --- Figure 2 and Table 3

/// The cells of a benchmark by variant and k, over n.
using Cells = std::map<std::pair<std::string, int64_t>, std::map<int64_t, const Json*>>;

Cells cells_of(const Json& result) {
  Cells cells;
  for (const Json& cell : result.at("cells")) {
    const int64_t k = cell.at("k").is_number_integer() ? cell.at("k").get<int64_t>() : 0;
    cells[{cell.value("variant", ""), k}][cell.value("n", int64_t{0})] = &cell;
  }
  return cells;
}

std::string label_of(const std::pair<std::string, int64_t>& key) {
  if (key.first == "standard") return "standard, fused";
  if (key.first == "standard_unfused") return "standard, unfused";
  return "Linformer, k = " + std::to_string(key.second);
}

void add_seconds(const PanelContext& context, const Cells& cells, const Json& result) {
  LinePlot lines;
  lines.x.title = "sequence length n (tokens)";
  lines.x.scale = PlotScale::kLog2;
  lines.y.title = "seconds of a batch";
  lines.y.scale = PlotScale::kLog10;
  for (const auto& [key, by_n] : cells) {
    LineSeries series;
    series.name = label_of(key);
    for (const auto& [n, cell] : by_n) {
      const double seconds = number_in(*cell, "seconds");
      if (!std::isfinite(seconds)) continue;
      series.x.push_back(static_cast<double>(n));
      series.y.push_back(seconds);
      series.low.push_back(number_in(*cell, "seconds_min"));
      series.high.push_back(number_in(*cell, "seconds_max"));
    }
    if (!series.x.empty()) lines.series.push_back(std::move(series));
  }
  Plot plot;
  plot.title = context.title();
  plot.description = "Time of a forward pass over the sequence length, a line for each encoder.";
  plot.content = std::move(lines);
  context.page.figure(
      {{plot_svg(plot, context.page.next_plot_id())}},
      "Time of a forward pass with " + format_count(result.value("tokens", int64_t{0})) +
          " tokens in a batch: " + format_count(result.value("num_hidden_layers", int64_t{0})) +
          " layers of width " + format_count(result.value("hidden_size", int64_t{0})) +
          ", device " + result.value("device", "") + ", " +
          format_count(result.value("threads", int64_t{0})) + " threads. Lines are medians of " +
          format_count(result.value("repeats", int64_t{0})) +
          " passes, bands reach from the fastest to the slowest one.");
}

/// The published values by (n, k). The first column has n; the names of the others end in k.
std::map<std::pair<int64_t, int64_t>, std::string> published_values(const PanelContext& context,
                                                                    const std::string& name) {
  std::map<std::pair<int64_t, int64_t>, std::string> values;
  const auto found = context.experiment.published.find(name);
  if (found == context.experiment.published.end()) return values;
  const auto number = [](const std::string& text) {
    const size_t digit = text.find_first_of("0123456789");
    return digit == std::string::npos ? int64_t{0}
                                      : std::strtoll(text.c_str() + digit, nullptr, 10);
  };
  const PublishedTable& table = found->second;
  for (const auto& row : table.rows) {
    for (size_t i = 1; i < row.size(); ++i) {
      if (row[i] != "-") values[{number(row[0]), number(table.columns[i])}] = row[i];
    }
  }
  return values;
}

/// Three digits: "1.40", "11.2", "125".
std::string factor_text(double factor) {
  return format_fixed(factor, factor < 10.0 ? 2 : factor < 100.0 ? 1 : 0);
}

/// A table in the paper's layout: rows n, columns k; with the paper's values beside ours, where it
/// published them under `published`.
void add_ratios(const PanelContext& context, const Cells& cells, const std::string& caption,
                const char* key, const std::string& published, const std::string& note) {
  const auto theirs = published_values(context, published);
  std::map<std::pair<int64_t, int64_t>, double> ours;
  std::set<int64_t> rows, columns;
  for (const auto& [variant, by_n] : cells) {
    if (variant.first != "linformer") continue;
    columns.insert(variant.second);
    for (const auto& [n, cell] : by_n) {
      rows.insert(n);
      ours[{n, variant.second}] = number_in(*cell, key);
    }
  }
  for (const auto& [place, value] : theirs) {
    rows.insert(place.first);
    columns.insert(place.second);
  }
  // A column for what was measured, and one for what was published, where there is any.
  const auto has = [](const auto& values, int64_t k) {
    return std::any_of(values.begin(), values.end(),
                       [&](const auto& value) { return value.first.second == k; });
  };
  HtmlTable table;
  table.caption = caption;
  table.header = {{{"n", 1, theirs.empty() ? 1 : 2}}};
  if (!theirs.empty()) table.header.emplace_back();
  for (const int64_t k : columns) {
    const int width = (has(ours, k) ? 1 : 0) + (has(theirs, k) ? 1 : 0);
    table.header[0].push_back({"k = " + format_count(k), width, 1});
    if (theirs.empty()) continue;
    if (has(ours, k)) table.header[1].push_back({"here"});
    if (has(theirs, k)) table.header[1].push_back({"paper"});
  }
  HtmlRowGroup& body = table.groups.emplace_back();
  for (const int64_t n : rows) {
    std::vector<HtmlCell>& row = body.rows.emplace_back();
    row.push_back(text_cell(format_count(n)));
    for (const int64_t k : columns) {
      const auto mine = ours.find({n, k});
      const bool measured = mine != ours.end() && std::isfinite(mine->second);
      if (has(ours, k)) {
        row.push_back(measured ? number_cell(factor_text(mine->second)) : missing_cell());
      }
      const auto value = theirs.find({n, k});
      if (has(theirs, k)) {
        row.push_back(value == theirs.end() ? number_cell("–") : published_cell(value->second));
      }
    }
  }
  if (!note.empty()) table.notes.push_back(note);
  context.page.table(table);
}

}  // namespace

void add_operations(const PanelContext& context) {
  const std::optional<Json> result = only_result(context);
  if (!result || !result->contains("kinds")) return;
  LinePlot lines;
  lines.x.title = "sequence length n (tokens)";
  lines.x.scale = PlotScale::kLog2;
  lines.y.title = "millions of multiply-adds";
  lines.y.scale = PlotScale::kLog10;
  for (const Json& kind : result->at("kinds")) {
    LineSeries series;
    series.name = kind.value("variant", "");
    for (const Json& one : kind.at("measurements")) {
      series.x.push_back(number_in(one, "n"));
      series.y.push_back(number_in(one, "attention_multiply_adds") / kMillion);
    }
    lines.series.push_back(std::move(series));
  }
  Plot plot;
  plot.title = context.title();
  plot.description = "Counted multiply-adds over the sequence length, a line for each kind.";
  plot.content = std::move(lines);
  context.page.figure({{plot_svg(plot, context.page.next_plot_id())}},
                      context.title() +
                          ", without the products with the matrices of query, key and value. One "
                          "sequence, width " +
                          format_count(result->value("hidden_size", int64_t{0})) +
                          ", k = " + format_count(result->value("projected_length", int64_t{0})) +
                          ". Kinds with equal counts lie on one line.");
  add_operation_table(context, *result);
}

void add_encoder_speed(const PanelContext& context) {
  const std::optional<Json> result = only_result(context);
  if (!result || !result->contains("cells")) return;
  const Cells cells = cells_of(*result);
  const std::string paper =
      "The paper: Table 3, on a Tesla V100 with 16 GB; – where it has no value.";
  const std::string memory = "The ratio of the largest batches in " +
                             format_number(result->value("memory_gib", 0.0)) +
                             " GiB, which follow from the measured peaks of one and two sequences.";
  add_seconds(context, cells, *result);
  add_ratios(context, cells, "Time saved (x) against unfused standard attention",
             "time_saved_vs_unfused", "time_saved", paper);
  add_ratios(context, cells, "Time saved (x) against fused standard attention",
             "time_saved_vs_fused", "", "");
  add_ratios(context, cells, "FLOPs saved (x), by the cost model", "flop_bound", "",
             "FLOPs of the standard encoder divided by those of the Linformer. The time saved can "
             "be larger, since the cost model leaves out, for example, the softmax.");
  add_ratios(context, cells, "Memory saved (x) against unfused standard attention",
             "memory_saved_vs_unfused", "memory_saved", memory + " " + paper);
  add_ratios(context, cells, "Memory saved (x) against fused standard attention",
             "memory_saved_vs_fused", "", memory);
}

}  // namespace linformer
