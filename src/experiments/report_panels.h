#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "linformer/experiments/experiment_runner.h"
#include "linformer/metrics/equivalence.h"
#include "linformer/report/html_page.h"
#include "linformer/report/plot.h"

namespace linformer {

/// What a figure or table of the page is made from.
struct PanelContext {
  const ExperimentPlan& plan;
  const RunnerResult& result;
  const ExperimentFile& experiment;
  const PanelSpec& panel;
  HtmlPage& page;

  /// A key of the panel; `otherwise` if it has none.
  std::string option(const std::string& key, const std::string& otherwise = "") const;
  /// The panel's title with its templates expanded.
  std::string title() const;
  /// Throws UsageError at the panel.
  [[noreturn]] void fail(const std::string& what, const std::string& fix) const;
};

/// A run with all its seeds.
struct RunGroup {
  std::string name, label;
  TemplateValues values;
  std::vector<const RunRecord*> records;  ///< of the seeds that are done
  size_t num_planned = 0;
  std::string reason;  ///< why a seed is missing, if one failed

  /// A number of each seed's result, without seeds that lack it.
  std::vector<double> numbers(const std::string& path) const;
  /// The last perplexity of each seed, without seeds that diverged to what is none.
  std::vector<double> perplexities() const;
  /// "2 of 3 seeds", or why nothing was measured; empty if all are there.
  std::string gap() const;
};

/// The runs of the experiment that the panel names, in the order of the plan; all of the experiment
/// if it names none. Throws UsageError for a pattern that fits no run of any scale.
std::vector<RunGroup> groups_of(const PanelContext& context);
/// Throws UsageError if no run has this variable, which the panel's `key` names.
void require_variable(const PanelContext& context, const std::vector<RunGroup>& groups,
                      const std::string& key, const std::string& variable);
/// The run that others are compared with; nothing if the panel names none.
std::optional<RunGroup> baseline_of(const PanelContext& context);

/// The parsed result of a record. Read its members by at(), which throws where one is missing.
nlohmann::ordered_json result_of(const RunRecord& record);
/// A number of an object; NaN if it is missing, or null, as programs write NaN.
double number_in(const nlohmann::ordered_json& json, const char* key);

/// A mean with its spread over seeds: "44.0 ± 0.6" (half the width of the 95 % interval), or the
/// value alone for one seed.
std::string mean_with_spread(const std::vector<double>& values, int digits);
/// A cell of it, or a missing one with the reason.
HtmlCell mean_cell(const RunGroup& group, const std::vector<double>& values, int digits);

/// The comparison of two runs' final perplexities that the panel's margin asks for.
Agreement compare_perplexities(const RunGroup& group, const RunGroup& baseline, double margin);
HtmlBadge badge_of(const Agreement& agreement);

/// A kind of panel, and the keys that it takes besides those of all panels.
struct PanelKind {
  std::string name;
  void (*add)(const PanelContext& context);
  std::vector<std::string> keys;
};
const std::vector<PanelKind>& panel_kinds();

void add_curves(const PanelContext& context);  // report_perplexity.cpp
void add_finals(const PanelContext& context);
void add_over(const PanelContext& context);
void add_equal_seconds(const PanelContext& context);
void add_spectrum(const PanelContext& context);  // report_attention.cpp
void add_projection_error(const PanelContext& context);
void add_operations(const PanelContext& context);  // report_speed.cpp
void add_encoder_speed(const PanelContext& context);
void add_tasks(const PanelContext& context);  // report_tables.cpp
void add_matrix(const PanelContext& context);
void add_loss_groups(const PanelContext& context);
void add_recall(const PanelContext& context);
void add_published(const PanelContext& context);

}  // namespace linformer
