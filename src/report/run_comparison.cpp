#include "linformer/report/run_comparison.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>
#include <stdexcept>

#include "run_curves.h"

#include "linformer/core/format.h"
#include "linformer/metrics/percent.h"
#include "linformer/metrics/statistics.h"
#include "linformer/report/html_page.h"

namespace linformer {

namespace {

namespace fs = std::filesystem;

constexpr const char* kNothing = "\u2013";  // an en dash

/// The last `count` parts of a path.
std::string end_of_path(const std::string& path, size_t count) {
  std::vector<std::string> parts;
  for (const fs::path& part : fs::path(path).lexically_normal()) {
    if (!part.empty()) parts.push_back(part.string());
  }
  std::string name;
  for (size_t i = parts.size() - std::min(count, parts.size()); i < parts.size(); ++i) {
    name += (name.empty() || name.back() == '/' ? "" : "/") + parts[i];
  }
  return name;
}

std::string number_or_nothing(const std::optional<double>& value, int digits = 5) {
  return value && std::isfinite(*value) ? format_number(*value, digits) : kNothing;
}

std::string figure_or_nothing(const std::string& name, const std::optional<double>& value) {
  return value && std::isfinite(*value) ? figure_text(name, *value, 5) : kNothing;
}

std::optional<double> median_speed(const RunFolder& run) {
  std::vector<double> speeds = curve_of(run.training, "step", "tokens_per_second").y;
  std::erase_if(speeds, [](double speed) { return !std::isfinite(speed); });
  if (speeds.empty()) return std::nullopt;
  return median_of(speeds);
}

/// Names of the deciding values of the runs, each once.
std::vector<std::string> score_names(const std::vector<RunFolder>& runs) {
  std::vector<std::string> names;
  for (const RunFolder& run : runs) {
    if (run.best && std::find(names.begin(), names.end(), run.best->name) == names.end()) {
      names.push_back(run.best->name);
    }
  }
  return names;
}

HtmlTable table_of(const std::string& caption, const std::string& first,
                   const std::vector<std::string>& names,
                   const std::vector<std::vector<std::string>>& rows) {
  HtmlTable table;
  table.caption = caption;
  table.header.push_back({{first}});
  for (const std::string& name : names) table.header.front().push_back({name});
  HtmlRowGroup group;
  for (const auto& row : rows) {
    std::vector<HtmlCell> cells{text_cell(row.front())};
    for (size_t i = 1; i < row.size(); ++i) {
      cells.push_back(row[i] == kNothing ? missing_cell() : number_cell(row[i]));
    }
    group.rows.push_back(std::move(cells));
  }
  table.groups.push_back(std::move(group));
  return table;
}

/// One value of all runs, over steps and over tokens, beside each other.
void add_figure(HtmlPage& page, const std::vector<RunFolder>& runs,
                const std::vector<std::string>& names, const RunPlotKind& kind) {
  std::vector<HtmlPanel> panels;
  for (const std::string x : {"step", "tokens"}) {
    std::vector<LineSeries> series;
    for (size_t i = 0; i < runs.size(); ++i) {
      const auto& lines = kind.held_out ? runs[i].evaluations : runs[i].training;
      series.push_back(run_series(names[i], lines, x, kind.value));
      series.back().color = i;
    }
    const Plot plot = half_width_plot(kind.title, x, {kind.axis, kind.scale}, std::move(series));
    panels.push_back(
        {plot_svg(plot, page.next_plot_id()), x == "step" ? "over steps" : "over tokens"});
  }
  page.figure(panels, kind.title + ".");
}

}  // namespace

std::vector<std::string> short_names(const std::vector<RunFolder>& runs) {
  std::vector<std::string> names;
  constexpr size_t kMostParts = 8;
  for (size_t count = 1; count <= kMostParts; ++count) {
    names.clear();
    for (const RunFolder& run : runs) names.push_back(end_of_path(run.path, count));
    if (std::set(names.begin(), names.end()).size() == names.size()) break;
  }
  return names;
}

std::vector<DifferingSetting> differing_settings(const std::vector<RunFolder>& runs) {
  std::vector<std::string> keys;  // in the order of the files
  std::set<std::string> seen;
  for (const RunFolder& run : runs) {
    for (const auto& [key, value] : run.settings) {
      if (key != "run.dir" && seen.insert(key).second) keys.push_back(key);
    }
  }
  std::vector<DifferingSetting> found;
  for (const std::string& key : keys) {
    DifferingSetting setting{key, {}};
    for (const RunFolder& run : runs) {
      const std::string value = run.setting(key);
      setting.values.push_back(value.empty() ? kNothing : value);
    }
    if (std::set(setting.values.begin(), setting.values.end()).size() > 1) {
      found.push_back(std::move(setting));
    }
  }
  return found;
}

std::vector<std::vector<std::string>> final_figures(const std::vector<RunFolder>& runs) {
  std::vector<std::vector<std::string>> rows;
  const auto add = [&](const std::string& name, const auto& value_of) {
    std::vector<std::string> row{name};
    for (const RunFolder& run : runs) row.push_back(value_of(run));
    const bool any = std::any_of(row.begin() + 1, row.end(),
                                 [](const std::string& value) { return value != kNothing; });
    if (any) rows.push_back(std::move(row));
  };
  add("state", [](const RunFolder& run) { return name_of(run.status); });
  add("step", [](const RunFolder& run) { return format_count(run.step); });
  add("of steps", [](const RunFolder& run) {
    return run.total_steps ? format_count(*run.total_steps) : kNothing;
  });
  add("tokens read", [](const RunFolder& run) { return format_count(run.tokens); });
  add("training loss (nats)", [](const RunFolder& run) { return number_or_nothing(run.loss); });
  add("held-out loss (nats)", [](const RunFolder& run) {
    return number_or_nothing(last_of(run.evaluations, "valid_loss"));
  });
  for (const std::string& name : score_names(runs)) {
    const std::string label = "held-out " + score_label(name);
    add(label, [&](const RunFolder& run) {
      return figure_or_nothing(name, last_of(run.evaluations, name));
    });
    add("best " + label, [&](const RunFolder& run) {
      return run.best && run.best->name == name ? figure_or_nothing(name, run.best->value)
                                                : kNothing;
    });
    add("best " + label + ", at step", [&](const RunFolder& run) {
      return run.best && run.best->name == name ? format_count(run.best->step) : kNothing;
    });
  }
  add("tokens per second, median", [](const RunFolder& run) {
    const std::optional<double> speed = median_speed(run);
    return speed ? format_count(std::llround(*speed)) : kNothing;
  });
  add("training time", [](const RunFolder& run) {
    return run.seconds > 0.0 ? format_duration(run.seconds) : kNothing;
  });
  add("device", [](const RunFolder& run) { return run.device; });
  add("precision", [](const RunFolder& run) { return run.precision; });
  return rows;
}

std::string comparison_page(const std::vector<RunFolder>& runs, const std::string& command) {
  if (runs.size() > num_plot_colors()) {
    throw std::invalid_argument("a page compares as many runs as there are colours");
  }
  const std::vector<std::string> names = short_names(runs);
  std::string title = "Comparison of";
  for (size_t i = 0; i < names.size(); ++i) {
    title += (i == 0 ? " " : i + 1 == names.size() ? " and " : ", ") + names[i];
  }
  HtmlPage page(title, format_count(static_cast<int64_t>(runs.size()), "run"));
  page.section("Figures at the end");
  page.table(table_of("Last values of each run", "figure", names, final_figures(runs)));
  page.section("Settings that differ");
  std::vector<std::vector<std::string>> rows;
  for (const DifferingSetting& setting : differing_settings(runs)) {
    rows.push_back({setting.key});
    rows.back().insert(rows.back().end(), setting.values.begin(), setting.values.end());
  }
  if (rows.empty()) {
    page.paragraph("The runs have the same configuration, except for the folder.");
  } else {
    page.table(table_of("Keys of config.yaml", "key", names, rows));
  }
  page.section("Curves");
  std::set<std::string> drawn;
  for (const RunFolder& run : runs) {
    for (const RunPlotKind& kind : run_plot_kinds(run)) {
      if (drawn.insert(kind.value).second) add_figure(page, runs, names, kind);
    }
  }
  std::vector<std::pair<std::string, std::string>> entries{{"command", command}};
  for (size_t i = 0; i < runs.size(); ++i) entries.emplace_back(names[i], runs[i].path);
  page.details("How this page was made", entries);
  return page.html();
}

}  // namespace linformer
