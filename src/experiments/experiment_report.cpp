#include "linformer/experiments/experiment_report.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include "report_panels.h"

#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/json_text.h"
#include "linformer/report/csv.h"

namespace linformer {
namespace {

using Json = nlohmann::ordered_json;

const PanelKind* find_kind(const std::string& name) {
  for (const PanelKind& kind : panel_kinds()) {
    if (kind.name == name) return &kind;
  }
  return nullptr;
}

const RunRecord* record_of(const RunnerResult& result, const PlannedRun& run) {
  const auto found = result.records.find(run.hash);
  return found == result.records.end() ? nullptr : &found->second;
}

std::string plural(size_t count, const std::string& what) {
  return format_count(static_cast<int64_t>(count)) + " " + what + (count == 1 ? "" : "s");
}

/// "0.92", "7.4", "1,234": never with an exponent.
std::string short_number(double value, int digits) {
  return value < 100.0 ? format_number(value, digits) : format_count(std::llround(value));
}

/// Every comparison that a panel's margin asks for.
void add_statements(HtmlPage& page, const ExperimentPlan& plan, const RunnerResult& result) {
  HtmlTable table;
  table.caption = "Statements, computed from the seeds";
  table.header = {{{"model"}, {"compared with"}, {"perplexity ratio"}, {"margin"}, {"statement"}}};
  std::set<std::string> seen;
  size_t num_tests = 0;
  for (const ExperimentFile& experiment : plan.experiments) {
    HtmlRowGroup rows;
    rows.title = experiment.title;
    for (const PanelSpec& panel : experiment.panels) {
      if (panel.margin <= 0.0) continue;
      const PanelContext context{plan, result, experiment, panel, page};
      const std::optional<RunGroup> baseline = baseline_of(context);
      if (!baseline) continue;
      for (const RunGroup& group : groups_of(context)) {
        if (group.name == baseline->name) continue;
        if (!seen.insert(experiment.name + "/" + group.name + "/" + baseline->name).second)
          continue;
        const Agreement agreement = compare_perplexities(group, *baseline, panel.margin);
        num_tests += std::isfinite(agreement.p_difference) ? 1 : 0;
        rows.rows.push_back({text_cell(group.label), text_cell(baseline->label),
                             std::isfinite(agreement.effect)
                                 ? number_cell(format_fixed(1.0 + agreement.effect, 3))
                                 : missing_cell(),
                             number_cell(format_number(100.0 * panel.margin) + " %"),
                             badge_cell(badge_of(agreement))});
      }
    }
    if (!rows.rows.empty()) table.groups.push_back(std::move(rows));
  }
  if (table.groups.empty()) return;
  page.section("Summary");
  page.paragraph(
      "Each statement is about the ratio of held-out perplexities at the end of training, over "
      "pairs "
      "of runs of the same seed. Equivalent: two one-sided t tests at 5 % show that the ratio is "
      "within the margin. "
      "Ahead or behind: a two-sided t test at 5 % shows that it is not 1; the 90 % interval of "
      "the difference is given. Runs whose perplexity is not finite are left out.");
  if (num_tests > 1) {
    page.paragraph("The " + plural(num_tests, "comparison") +
                   " are not corrected for their number. Where two models do not differ, about one "
                   "comparison in twenty finds a difference by chance.");
  }
  page.table(table);
}

void add_missing(HtmlPage& page, const ExperimentPlan& plan, const RunnerResult& result) {
  std::vector<std::string> lines;
  size_t waiting = 0;
  for (size_t i = 0; i < plan.runs.size(); ++i) {
    if (record_of(result, plan.runs[i])) continue;
    const RunOutcome& outcome = result.outcomes[i];
    if (outcome.reason.empty()) {
      ++waiting;
    } else {
      lines.push_back(plan.runs[i].id() + ": " + outcome.reason);
    }
  }
  if (waiting > 0) lines.push_back(plural(waiting, "run") + " not executed yet");
  if (lines.empty()) return;
  page.section("What is missing");
  page.list(lines);
}

/// Commands, hashes and machines of an experiment's runs.
void add_origin_of_runs(HtmlPage& page, const ExperimentPlan& plan, const RunnerResult& result,
                        const ExperimentFile& experiment) {
  std::vector<std::pair<std::string, std::string>> entries;
  std::string last;
  for (const PlannedRun& run : plan.runs) {
    if (run.experiment != experiment.name) continue;
    const RunRecord* record = record_of(result, run);
    std::string text;
    if (!record) {
      text = "not measured; configuration " + run.hash;
    } else {
      for (const std::string& command : record->commands) {
        text += (text.empty() ? "" : " && ") + command;
      }
      text += "\nconfiguration " + run.hash + ", seed " + std::to_string(record->seed) + ", " +
              record->machine + ", " + plural(static_cast<size_t>(record->threads), "thread") +
              ", " + plural(static_cast<size_t>(record->jobs), "run") + " at a time, " +
              format_duration(record->seconds) + ", version " + record->version + ", " +
              record->finished;
      if (record->id != run.id()) text += "; the same configuration as " + record->id;
    }
    entries.emplace_back(run.name + ", seed " + std::to_string(run.seed), text);
  }
  if (!entries.empty()) page.details("Commands, configurations, machine", entries);
}

[[noreturn]] void fail_name(const PanelSpec& panel, const std::string& what,
                            const std::string& name, const std::string& all,
                            const std::vector<std::string>& known) {
  std::string names = all;
  for (const std::string& each : known) names += " " + each;
  const std::string nearest = nearest_name(name, known);
  fail_usage(panel.place, what, nearest.empty() ? names : "did you mean " + nearest + "?");
}

/// Refuses an unknown kind, and keys that its kind would not read.
void check_keys(const PanelSpec& panel) {
  const PanelKind* kind = find_kind(panel.kind);
  if (!kind) {
    std::vector<std::string> known;
    for (const PanelKind& each : panel_kinds()) known.push_back(each.name);
    fail_name(panel, "there is no kind of panel '" + panel.kind + "'", panel.kind,
              "known kinds:", known);
  }
  std::vector<std::string> keys;
  for (const auto& [key, value] : panel.options) keys.push_back(key);
  if (!panel.baseline.empty()) keys.push_back("baseline");
  if (panel.margin > 0.0) keys.push_back("margin");
  for (const std::string& key : keys) {
    if (std::count(kind->keys.begin(), kind->keys.end(), key)) continue;
    fail_name(panel, "a panel of kind " + panel.kind + " takes no " + key, key,
              kind->keys.empty() ? "remove it" : "keys of this kind:", kind->keys);
  }
  if (panel.margin > 0.0 && panel.baseline.empty()) {
    fail_usage(panel.place, "the panel '" + panel.title + "' has a margin and no baseline",
               "name the run that others are compared with, or remove the margin");
  }
}

/// What a record or a plot lacks costs its own panel, and not the page.
void add_panel(const PanelContext& context, std::vector<std::string>& problems) {
  std::string what;
  try {
    find_kind(context.panel.kind)->add(context);
  } catch (const nlohmann::json::exception& error) {
    what = std::string("a record does not have what it shows: ") + error.what();
  } catch (const RunError& error) {
    what = error.what();
  } catch (const std::logic_error& error) {  // numbers that no axis and no table takes
    what = error.what();
  }
  if (what.empty()) return;
  context.page.paragraph("'" + context.title() + "' could not be made: " + what);
  problems.push_back(context.panel.place + ": the panel '" + context.title() +
                     "' could not be made: " + what);
}

void flatten(const Json& json, const std::string& path,
             const std::function<void(const std::string&, const std::string&)>& take) {
  if (json.is_object()) {
    for (const auto& [key, value] : json.items()) {
      if (key != "curve") flatten(value, path.empty() ? key : path + "." + key, take);
    }
  } else if (json.is_array()) {
    for (size_t i = 0; i < json.size(); ++i) flatten(json[i], path + "." + std::to_string(i), take);
  } else if (json.is_number()) {
    take(path, json.dump());
  }
}

/// Calls `visit` for each record of the plan, once for each run that it stands for.
void for_each_record(const ExperimentPlan& plan, const RunnerResult& result,
                     const std::function<void(const PlannedRun&, const RunRecord&)>& visit) {
  for (const PlannedRun& run : plan.runs) {
    if (const RunRecord* record = record_of(result, run)) visit(run, *record);
  }
}

}  // namespace

void check_panels(const ExperimentPlan& plan) {
  for (const ExperimentFile& experiment : plan.experiments) {
    for (const PanelSpec& panel : experiment.panels) check_keys(panel);
  }
  // Everything else shows itself on a page of nothing, which draws no plot.
  report_html(plan, recorded_results(plan, {}), {});
}

std::string report_html(const ExperimentPlan& plan, const RunnerResult& result,
                        const ReportOrigin& origin, std::vector<std::string>* problems) {
  std::vector<std::string> found;
  HtmlPage page(plan.report.title, "scale " + plan.scale.name);
  for (const std::string& text : plan.report.about) page.paragraph(text);
  page.paragraph(plan.scale.about);
  size_t done = 0;
  for (const PlannedRun& run : plan.runs) done += record_of(result, run) ? 1 : 0;
  page.details("How this page was made",
               {{"command", origin.command},
                {"runs", std::to_string(done) + " of " + std::to_string(plan.runs.size()) +
                             " are done, " + plural(static_cast<size_t>(plan.num_seeds), "seed")},
                {"configuration of pre-training", plan.scale.pretraining},
                {"configuration of fine-tuning", plan.scale.finetuning},
                {"machine", origin.machine},
                {"version", origin.version}});
  add_statements(page, plan, result);
  add_missing(page, plan, result);
  for (const ExperimentFile& experiment : plan.experiments) {
    page.section(experiment.title);
    if (!experiment.reference.empty())
      page.paragraph("In the paper: " + experiment.reference + ".");
    for (const std::string& text : experiment.about) {
      page.paragraph(expand_template(text, plan.scale.values, experiment.path));
    }
    const bool has_runs = std::any_of(plan.runs.begin(), plan.runs.end(), [&](const auto& run) {
      return run.experiment == experiment.name;
    });
    if (!has_runs) {
      page.paragraph("The scale " + plan.scale.name + " has no run of this experiment.");
    }
    for (const PanelSpec& panel : experiment.panels) {
      if (!has_runs && panel.kind != "published") continue;
      add_panel({plan, result, experiment, panel, page}, found);
    }
    add_origin_of_runs(page, plan, result, experiment);
  }
  if (problems) *problems = std::move(found);
  return page.html();
}

std::string report_json(const ExperimentPlan& plan, const RunnerResult& result,
                        const ReportOrigin& origin) {
  Json json{{"report", plan.report.title}, {"scale", plan.scale.name},  {"command", origin.command},
            {"version", origin.version},   {"machine", origin.machine}, {"records", Json::array()},
            {"runs", Json::array()}};
  std::set<std::string> written;
  for_each_record(plan, result, [&](const PlannedRun& run, const RunRecord& record) {
    json["runs"].push_back({{"id", run.id()}, {"hash", run.hash}});
    if (written.insert(run.hash).second)
      json["records"].push_back(parse_json<Json>(to_json(record)).value);
  });
  return json_text(json, 1) + "\n";
}

std::string curves_csv(const ExperimentPlan& plan, const RunnerResult& result) {
  std::vector<std::vector<std::string>> rows;
  for_each_record(plan, result, [&](const PlannedRun& run, const RunRecord& record) {
    for (const CurvePoint& point : curve_of(record)) {
      rows.push_back({run.experiment, run.name, std::to_string(run.seed), run.hash,
                      std::to_string(point.step), std::to_string(point.tokens),
                      format_fixed(point.seconds, 2), format_number(point.perplexity, 8)});
    }
  });
  return csv_text({"experiment", "run", "seed", "hash", "step", "tokens", "seconds", "perplexity"},
                  rows);
}

std::string values_csv(const ExperimentPlan& plan, const RunnerResult& result) {
  std::vector<std::vector<std::string>> rows;
  for_each_record(plan, result, [&](const PlannedRun& run, const RunRecord& record) {
    flatten(result_of(record), "", [&](const std::string& key, const std::string& value) {
      rows.push_back({run.experiment, run.name, std::to_string(run.seed), run.hash, key, value});
    });
  });
  return csv_text({"experiment", "run", "seed", "hash", "key", "value"}, rows);
}

std::string describe_plan(const ExperimentPlan& plan, const std::vector<size_t>& missing,
                          int64_t num_jobs, const RunClock& clock) {
  std::vector<std::vector<std::string>> rows{{"run", "seeds", "million tokens", "each, about"}};
  double shared = 0.0, alone = 0.0;
  std::string last;
  for (const size_t i : missing) {
    const PlannedRun& run = plan.runs[i];
    const double seconds = clock.seconds_of(run);
    (run.alone ? alone : shared) += seconds;
    const std::string name = run.experiment + "/" + run.name;
    if (name == last) {
      rows.back()[1] = std::to_string(std::stoll(rows.back()[1]) + 1);
    } else {
      rows.push_back({name, "1",
                      run.tokens > 0 ? short_number(static_cast<double>(run.tokens) / 1e6, 3) : "-",
                      format_duration(seconds)});
    }
    last = name;
  }
  const double total = shared / static_cast<double>(num_jobs) + alone;
  return (missing.empty() ? "" : format_table(rows)) + plural(missing.size(), "run") + " of " +
         std::to_string(plan.runs.size()) + " to execute, " + std::to_string(num_jobs) +
         " at a time: about " + short_number(total / 3600.0, 2) + " hours on this machine\n";
}

}  // namespace linformer
