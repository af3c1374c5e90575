// Panels that are tables: labelled tasks, matrices of numbers, groups of tokens, recall.
#include <algorithm>
#include <cmath>
#include <map>

#include <nlohmann/json.hpp>

#include "report_panels.h"

#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/experiments/run_record.h"

namespace linformer {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kPercent = 100.0;
constexpr int kDigits = 4;

std::string value_in(const RunGroup& group, const std::string& variable) {
  const auto found = group.values.find(variable);
  return found == group.values.end() || found->second.size() != 1 ? "" : found->second.front();
}

std::vector<std::string> distinct(const std::vector<RunGroup>& groups,
                                  const std::string& variable) {
  std::vector<std::string> values;
  for (const RunGroup& group : groups) {
    const std::string value = value_in(group, variable);
    if (std::find(values.begin(), values.end(), value) == values.end()) values.push_back(value);
  }
  return values;
}

/// What a value is called on the page: the label of the run of this name, if there is one.
std::string label_of(const PanelContext& context, const std::string& value) {
  for (const PlannedRun& run : context.plan.runs) {
    if (run.experiment == context.experiment.name && run.name == value) return run.label;
  }
  return value;
}

const RunGroup* find_group(const std::vector<RunGroup>& groups, const std::string& row_variable,
                           const std::string& row, const std::string& column_variable,
                           const std::string& column) {
  for (const RunGroup& group : groups) {
    if (value_in(group, row_variable) == row && value_in(group, column_variable) == column) {
      return &group;
    }
  }
  return nullptr;
}

/// A table whose cells are numbers of the results.
struct CrossTable {
  std::string path;     ///< of the number in a result
  double factor = 1.0;  ///< that it is multiplied by
  int digits = kDigits;
};

/// The groups of a panel that have a value for its rows and one for its columns.
std::vector<RunGroup> crossed_groups(const PanelContext& context) {
  const std::string rows = context.option("rows"), columns = context.option("columns");
  if (rows.empty() || columns.empty()) {
    context.fail("has no rows or columns", "name two variables of its runs");
  }
  std::vector<RunGroup> groups = groups_of(context);
  require_variable(context, groups, "rows", rows);
  require_variable(context, groups, "columns", columns);
  std::erase_if(groups, [&](const RunGroup& group) {
    return value_in(group, rows).empty() || value_in(group, columns).empty();
  });
  return groups;
}

std::vector<double> scaled_numbers(const RunGroup& group, const std::string& path, double factor) {
  std::vector<double> values = group.numbers(path);
  for (double& value : values) value *= factor;
  return values;
}

/// Rows and columns by two variables of the runs.
HtmlTable cross_table(const PanelContext& context, const CrossTable& content) {
  const std::string rows = context.option("rows"), columns = context.option("columns");
  const std::vector<RunGroup> groups = crossed_groups(context);
  HtmlTable table;
  table.caption = context.title();
  table.header = {{{rows}}};
  const std::vector<std::string> heads = distinct(groups, columns);
  for (const std::string& head : heads) table.header[0].push_back({head});
  HtmlRowGroup& body = table.groups.emplace_back();
  for (const std::string& row : distinct(groups, rows)) {
    std::vector<HtmlCell>& cells = body.rows.emplace_back();
    cells.push_back(text_cell(label_of(context, row)));
    for (const std::string& head : heads) {
      const RunGroup* group = find_group(groups, rows, row, columns, head);
      cells.push_back(group
                          ? mean_cell(*group, scaled_numbers(*group, content.path, content.factor),
                                      content.digits)
                          : missing_cell());
    }
  }
  if (!context.panel.note.empty()) table.notes.push_back(context.panel.note);
  return table;
}

const PublishedTable* published_of(const PanelContext& context) {
  const std::string name = context.option("published");
  if (name.empty()) return nullptr;
  const auto found = context.experiment.published.find(name);
  if (found == context.experiment.published.end()) {
    context.fail("names no published table '" + name + "'", "look under `published`");
  }
  return &found->second;
}

/// The accuracy of the most frequent class in each column of a table of tasks.
std::vector<HtmlCell> majority_row(const PanelContext& context) {
  const std::vector<RunGroup> groups = crossed_groups(context);
  const std::string columns = context.option("columns");
  std::vector<HtmlCell> row{text_cell("most frequent class")};
  for (const std::string& head : distinct(groups, columns)) {
    std::vector<double> values;
    for (const RunGroup& group : groups) {
      if (values.empty() && value_in(group, columns) == head) {
        values = scaled_numbers(group, "sets.0.majority", kPercent);
      }
    }
    row.push_back(values.empty() ? missing_cell()
                                 : number_cell(format_number(values.front(), kDigits)));
  }
  return row;
}

/// A group of a split of the loss, over the seeds.
struct GroupValues {
  double share = 0.0, nll = 0.0, tokens = 0.0;
};

/// What the groups of a split are, as the head of their column.
std::string split_title(const std::string& split) {
  if (split == "distance") return "tokens to the nearest other occurrence";
  if (split == "repetition") return "occurrences in the sequence";
  if (split == "frequency") return "frequency in the training text";
  return split;
}

}  // namespace

void add_matrix(const PanelContext& context) {
  context.page.table(cross_table(context, {context.option("value", "perplexity")}));
}

void add_tasks(const PanelContext& context) {
  HtmlTable table =
      cross_table(context, {context.option("value", "sets.0.metrics.accuracy"), kPercent});
  table.groups.front().rows.push_back(majority_row(context));
  table.notes.push_back("± is half the width of the 95 % interval of the mean over seeds.");
  context.page.table(table);
  add_published(context);
}

void add_published(const PanelContext& context) {
  const PublishedTable* published = published_of(context);
  if (!published) return;
  HtmlTable table;
  table.caption = "Published: " + published->source;
  bool has_gaps = false;
  table.header.emplace_back();
  for (const std::string& column : published->columns) table.header[0].push_back({column});
  HtmlRowGroup& body = table.groups.emplace_back();
  for (const auto& row : published->rows) {
    std::vector<HtmlCell>& cells = body.rows.emplace_back();
    for (size_t i = 0; i < row.size(); ++i) {
      cells.push_back(i == 0          ? text_cell(row[i])
                      : row[i] == "-" ? number_cell("–")
                                      : published_cell(row[i]));
      has_gaps = has_gaps || row[i] == "-";
    }
  }
  if (has_gaps) table.notes.push_back("–: the paper has no value.");
  context.page.table(table);
}

void add_loss_groups(const PanelContext& context) {
  const std::string split = context.option("value", "distance");
  if (split != "distance" && split != "repetition" && split != "frequency") {
    context.fail("has value: " + split, "write distance, repetition or frequency");
  }
  const std::vector<RunGroup> groups = groups_of(context);
  std::vector<std::string> names;
  std::vector<std::map<std::string, GroupValues>> values(groups.size());
  for (size_t g = 0; g < groups.size(); ++g) {
    for (const RunRecord* record : groups[g].records) {
      const Json result = result_of(*record);
      if (!result.contains("by") || !result.at("by").contains(split)) continue;
      for (const Json& entry : result.at("by").at(split)) {
        const std::string name = entry.value("group", "");
        if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
        GroupValues& cell = values[g][name];
        cell.share = entry.value("share", 0.0);
        cell.nll += entry.value("nll_sum", 0.0);
        cell.tokens += entry.value("masked_tokens", 0.0);
      }
    }
  }
  HtmlTable table;
  table.caption = context.title();
  table.header = {{{split_title(split)}, {"share of the tokens"}}};
  for (const RunGroup& group : groups) table.header[0].push_back({group.label});
  HtmlRowGroup& body = table.groups.emplace_back();
  for (const std::string& name : names) {
    std::vector<HtmlCell>& row = body.rows.emplace_back();
    row.push_back(text_cell(name));
    double share = std::nan("");
    for (const auto& run : values) {
      if (run.count(name)) share = run.at(name).share;
    }
    row.push_back(number_cell(format_fixed(100.0 * share, 1) + " %"));
    for (size_t g = 0; g < groups.size(); ++g) {
      const auto found = values[g].find(name);
      const bool there = found != values[g].end() && found->second.tokens > 0.0;
      row.push_back(
          there ? number_cell(format_number(std::exp(found->second.nll / found->second.tokens), 4))
                : missing_cell(groups[g].gap()));
    }
  }
  table.notes.push_back("Perplexity of the predicted tokens of each group, over all seeds.");
  if (!context.panel.note.empty()) table.notes.push_back(context.panel.note);
  context.page.table(table);
}

void add_recall(const PanelContext& context) {
  const std::vector<RunGroup> groups = groups_of(context);
  BarPlot bars;
  bars.category_title = "tokens to the nearest other mention";
  bars.y.title = "right answers (%)";
  bars.y.low = 0.0;
  std::vector<std::map<std::string, std::pair<double, double>>> counts(groups.size());
  std::map<std::string, double> guessed;
  for (size_t g = 0; g < groups.size(); ++g) {
    for (const RunRecord* record : groups[g].records) {
      const Json result = result_of(*record);
      if (!result.contains("by_distance")) continue;
      for (const Json& entry : result.at("by_distance")) {
        std::string name = entry.value("group", "");
        if (name == "not seen elsewhere") name = "nowhere else";  // fits below the bars
        auto& names = bars.categories;
        if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
        counts[g][name].first += entry.value("right", 0.0);
        counts[g][name].second += entry.value("questions", 0.0);
        const auto guess = entry.find("baseline_accuracy");
        if (guess != entry.end() && guess->is_number()) guessed[name] = guess->get<double>();
      }
    }
  }
  HtmlTable table;
  table.caption = context.title() + ": right answers in %";
  table.header = {{{"tokens to the nearest other mention"}, {"questions"}, {"most frequent word"}}};
  HtmlRowGroup& body = table.groups.emplace_back();
  for (const std::string& name : bars.categories) {
    double questions = 0.0;
    for (const auto& run : counts) {
      if (run.count(name)) questions = std::max(questions, run.at(name).second);
    }
    body.rows.push_back({text_cell(name), number_cell(format_count(std::llround(questions))),
                         guessed.count(name)
                             ? number_cell(format_fixed(kPercent * guessed.at(name), 1))
                             : missing_cell()});
  }
  for (size_t g = 0; g < groups.size(); ++g) {
    table.header[0].push_back({groups[g].label});
    BarSeries series;
    series.name = groups[g].label;
    for (size_t i = 0; i < bars.categories.size(); ++i) {
      const auto found = counts[g].find(bars.categories[i]);
      const bool there = found != counts[g].end() && found->second.second > 0.0;
      const double percent =
          there ? 100.0 * found->second.first / found->second.second : std::nan("");
      series.values.push_back(percent);
      body.rows[i].push_back(there ? number_cell(format_fixed(percent, 1))
                                   : missing_cell(groups[g].gap()));
    }
    bars.series.push_back(std::move(series));
  }
  Plot plot;
  plot.title = context.title();
  plot.description = "Share of right answers by distance to the nearest other mention.";
  plot.content = std::move(bars);
  context.page.figure({{plot_svg(plot, context.page.next_plot_id())}},
                      context.title() + ". " + context.panel.note);
  table.notes.push_back(
      "Questions and answers of all seeds together. The most frequent word is the accuracy of a "
      "guess that knows only how frequent words are.");
  context.page.table(table);
}

}  // namespace linformer
