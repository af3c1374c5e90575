#include "linformer/report/run_page.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <filesystem>

#include "run_curves.h"

#include "linformer/core/atomic_file.h"
#include "linformer/core/format.h"
#include "linformer/core/log.h"
#include "linformer/metrics/percent.h"
#include "linformer/report/expected_band.h"
#include "linformer/report/html_page.h"
#include "linformer/report/html_text.h"
#include "linformer/report/run_journal.h"
#include "linformer/report/task_result.h"

namespace linformer {

namespace {

constexpr size_t kMostEvents = 200;

std::string number_text(double value) {
  return std::isfinite(value) ? format_number(value, 5) : "not finite";
}

std::string figure_of(const std::string& name, double value) {
  return is_percent(name) ? percent_text(value) : number_text(value);
}

std::string base_name(const std::string& path) {
  const std::string name = std::filesystem::path(path).lexically_normal().filename().string();
  return name.empty() ? path : name;
}

BadgeTone tone_of(RunStatus status) {
  switch (status) {
    case RunStatus::kFinished:
      return BadgeTone::kGood;
    case RunStatus::kFailed:
      return BadgeTone::kBad;
    default:
      return BadgeTone::kNeutral;
  }
}

void add_state(HtmlPage& page, const RunFolder& run) {
  const std::string of = run.total_steps ? " of " + format_count(*run.total_steps) : "";
  std::string sentence = "step " + format_count(run.step) + of;
  if (run.tokens > 0) sentence += ", " + format_count(run.tokens, "token");
  if (run.seconds > 0.0) sentence += ", " + format_duration(run.seconds) + " of training";
  if (!run.reason.empty()) sentence += "; " + run.reason;
  page.verdict({tone_of(run.status), name_of(run.status)}, sentence + ".");
  HtmlTable table;
  table.caption = "Last and best values";
  table.header = {{{"value"}, {"last"}, {"best"}, {"at step"}}};
  HtmlRowGroup rows;
  if (run.loss) {
    rows.rows.push_back({text_cell("training loss (nats)"), number_cell(number_text(*run.loss)),
                         missing_cell(), missing_cell()});
  }
  if (run.best) {
    const std::optional<double> last = last_of(run.evaluations, run.best->name);
    rows.rows.push_back({text_cell("held-out " + score_label(run.best->name)),
                         last ? number_cell(figure_of(run.best->name, *last)) : missing_cell(),
                         number_cell(figure_of(run.best->name, run.best->value)),
                         number_cell(format_count(run.best->step))});
  }
  if (rows.rows.empty()) return;
  table.groups.push_back(std::move(rows));
  page.table(table);
}

/// A band behind the curve of a loss.
LineSeries band_series(const ExpectedCurve& expected, const std::string& name, size_t color,
                       ExpectedRange ExpectedPoint::*range) {
  LineSeries series;
  series.name = name;
  series.source = PlotSource::kPublished;
  series.markers = false;
  series.color = color;
  for (const ExpectedPoint& point : expected.points) {
    series.x.push_back(static_cast<double>(point.step));
    series.y.push_back((point.*range).mean);
    series.low.push_back((point.*range).low);
    series.high.push_back((point.*range).high);
  }
  return series;
}

LineSeries perplexity_band(const ExpectedCurve& expected) {
  LineSeries series = band_series(expected, "expected", 1, &ExpectedPoint::valid_loss);
  for (std::vector<double>* values : {&series.y, &series.low, &series.high}) {
    for (double& value : *values) value = std::exp(value);
  }
  return series;
}

HtmlPanel panel_of(HtmlPage& page, const std::string& title, const PlotAxis& y,
                   std::vector<LineSeries> series) {
  const Plot plot = half_width_plot(title, "step", y, std::move(series));
  return {plot_svg(plot, page.next_plot_id()), title};
}

void add_curves(HtmlPage& page, const RunFolder& run,
                const std::optional<ExpectedCurve>& expected) {
  page.section("Curves");
  std::vector<HtmlPanel> panels;
  std::vector<LineSeries> losses;
  if (expected) {
    losses.push_back(band_series(*expected, "", 0, &ExpectedPoint::train_loss));
    losses.push_back(band_series(*expected, "", 1, &ExpectedPoint::valid_loss));
  }
  for (const RunPlotKind& kind : run_plot_kinds(run)) {
    const auto& lines = kind.held_out ? run.evaluations : run.training;
    const bool loss = kind.value == "loss" || kind.value == "valid_loss";
    LineSeries series = run_series(loss ? (kind.held_out ? "held-out" : "training") : "", lines,
                                   "step", kind.value);
    series.color = kind.held_out ? 1 : 0;
    series.markers = kind.held_out;
    if (loss) losses.push_back(std::move(series));
    if (kind.value == "loss" && !run.evaluations.empty()) continue;  // with the held-out loss
    const PlotAxis axis{kind.axis, kind.scale};
    if (loss) {
      panels.push_back(panel_of(page, "Loss", axis, losses));
      continue;
    }
    std::vector<LineSeries> drawn;
    if (expected && kind.value == "valid_perplexity") {
      drawn.push_back(perplexity_band(*expected));
      series.name = "this run";
    }
    drawn.push_back(std::move(series));
    panels.push_back(panel_of(page, kind.title, axis, drawn));
  }
  std::string caption =
      "Training values are means over the steps since the line before in "
      "log.jsonl.";
  if (expected) {
    caption += " Bands and dashed lines: what " + expected->configuration + " reaches with seeds";
    for (const std::string& seed : expected->seeds) caption += " " + seed;
    caption += "; another seed is within the band with a probability of 99 %.";
  }
  page.figure(panels, caption);
  if (expected) {
    const std::vector<BandCheck> checks = check_band(*expected, run);
    const bool inside = std::all_of(checks.begin(), checks.end(), [](const BandCheck& check) {
      return check.place == BandCheck::Place::kInside;
    });
    const BadgeTone tone = checks.empty() ? BadgeTone::kMissing
                           : inside       ? BadgeTone::kGood
                                          : BadgeTone::kBad;
    page.verdict({tone, checks.empty() ? "not compared"
                        : inside       ? "inside"
                                       : "outside"},
                 band_verdict(checks) + ".");
  }
}

void add_results(HtmlPage& page, const RunFolder& run) {
  const std::string path = result_path(run.path);
  if (!std::filesystem::exists(path)) return;
  const TaskResult result = task_result_from_json(read_text_file(path), path);
  HtmlTable table;
  table.caption = "Measured with the weights of step " + format_count(result.best_step);
  table.header = {{{"set"}, {"rows"}, {"metric"}, {"value"}, {"most frequent class"}}};
  HtmlRowGroup rows;
  for (const SetResult& set : result.sets) {
    for (const MetricValue& metric : set.metrics) {
      const bool deciding = &metric == &set.metrics.front();
      rows.rows.push_back(
          {text_cell(set.task + ", " + set.name), number_cell(format_count(set.rows)),
           text_cell(metric.name), number_cell(percent_text(metric.value)),
           deciding && std::isfinite(set.majority) ? number_cell(percent_text(set.majority))
                                                   : missing_cell()});
    }
  }
  if (rows.rows.empty()) return;
  table.groups.push_back(std::move(rows));
  page.section("Results");
  page.table(table);
}

struct RunEvent {
  std::string time;
  int64_t step = 0;
  std::string what, text;
};

std::string text_of(const LogRecord& line) {
  std::string text;
  for (const auto& [name, value] : line) {
    if (name == "time" || name == "event" || name == "step") continue;
    const LogRecord one{{name, value}};
    std::string shown = to_json_line(one);  // {"name":value}
    shown = shown.substr(name.size() + 4, shown.size() - name.size() - 5);
    if (shown.starts_with('"')) shown = std::get<std::string>(value.get());
    const bool plain = name == "text" || name == "reason";
    text += (text.empty() ? "" : ", ") + (plain ? "" : name + " ") + shown;
  }
  return text;
}

/// "2026-01-31 12:00:00" for "2026-01-31T12:00:00Z"
std::string time_text(std::string time) {
  if (time.size() == 20 && time[10] == 'T') time = time.substr(0, 10) + " " + time.substr(11, 8);
  return time;
}

/// Starts, warnings, saves, skipped steps and ends, by time; those of log.jsonl, which has no
/// times, behind those of the journal.
std::vector<RunEvent> events_of(const RunFolder& run) {
  std::vector<RunEvent> events;
  for (const LogRecord& line : run.journal) {
    RunEvent event{time_text(text_in(line, "time").value_or("")), whole_in(line, "step"),
                   text_in(line, "event").value_or(""), text_of(line)};
    if (event.what == "started") {
      if (event.step > 0) event.what = "resumed";
      event.text = "on " + text_in(line, "device").value_or("?") + " in " +
                   text_in(line, "precision").value_or("?");
    } else if (event.what == "saved") {
      event.text = line.end() != std::find_if(line.begin(), line.end(),
                                              [](const auto& entry) {
                                                const bool* best =
                                                    std::get_if<bool>(&entry.second.get());
                                                return entry.first == "best" && best && *best;
                                              })
                       ? "the best so far"
                       : "";
    }
    events.push_back(std::move(event));
  }
  for (const LogRecord& line : run.incidents) {
    events.push_back(
        {"", whole_in(line, "step"), text_in(line, "event").value_or(""), text_of(line)});
  }
  return events;
}

void add_events(HtmlPage& page, const RunFolder& run) {
  std::vector<RunEvent> events = events_of(run);
  if (events.empty()) return;
  page.section("Events");
  HtmlTable table;
  table.caption = "Sessions, warnings, saves and steps that went wrong";
  table.header = {{{"time (UTC)"}, {"step"}, {"event"}, {"details"}}};
  if (events.size() > kMostEvents) {
    table.notes.push_back("The first " +
                          format_count(static_cast<int64_t>(events.size() - kMostEvents)) +
                          " events are left out; journal.jsonl has all of them.");
    events.erase(events.begin(), events.end() - static_cast<ptrdiff_t>(kMostEvents));
  }
  HtmlRowGroup rows;
  for (const RunEvent& event : events) {
    rows.rows.push_back({event.time.empty() ? missing_cell() : number_cell(event.time),
                         number_cell(format_count(event.step)), text_cell(event.what),
                         text_cell(event.text)});
  }
  table.groups.push_back(std::move(rows));
  page.table(table);
}

void add_environment(HtmlPage& page, const RunFolder& run, const std::string& command) {
  page.section("Environment and configuration");
  std::vector<std::pair<std::string, std::string>> entries;
  for (auto line = run.journal.rbegin(); line != run.journal.rend(); ++line) {
    if (text_in(*line, "event") != "started") continue;
    for (const auto& [name, value] : *line) {
      if (name == "event" || name == "total_steps" || name == "step") continue;
      entries.emplace_back(name == "time" ? "started" : name, text_of({{"text", value}}));
    }
    break;
  }
  entries.emplace_back("this page", command);
  page.details("Environment of the last session", entries);
  page.details("Configuration with every default (config.yaml)", run.settings);
}

}  // namespace

std::string run_page_path(const std::string& folder) {
  return folder + "/report.html";
}

std::string run_page(const RunFolder& run, const std::optional<ExpectedCurve>& expected,
                     const std::string& command) {
  const std::string kind = run.kind == RunKind::kPretraining
                               ? "Masked-LM pre-training"
                               : "Fine-tuning on " + run.setting("task.name");
  HtmlPage page("Run " + base_name(run.path), kind + ", " + run.path);
  add_state(page, run);
  add_results(page, run);
  add_curves(page, run, expected);
  add_events(page, run);
  add_environment(page, run, command);
  return page.html();
}

bool write_run_page(const std::string& folder, const std::optional<ExpectedCurve>& expected) {
  try {
    write_file_atomically(run_page_path(folder),
                          run_page(read_run_folder(folder, RunReader::kOwner), expected,
                                   "linformer-report run " + folder));
    return true;
  } catch (const std::exception& error) {
    std::string why = error.what();
    why = why.substr(0, why.find('\n'));
    log_info(run_page_path(folder) + " is not written: " + why + "; linformer-report run " +
             folder + " makes it later");
    return false;
  }
}

}  // namespace linformer
