
#include "report_panels.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include <nlohmann/json.hpp>

#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/json_text.h"
#include "linformer/experiments/run_record.h"

namespace linformer {

namespace {

/// Whether a run ended with a number that can be compared; a diverged one did not.
bool is_perplexity(const std::optional<double>& value) {
  return value && std::isfinite(*value) && *value > 0.0;
}

}  // namespace

std::string PanelContext::option(const std::string& key, const std::string& otherwise) const {
  const auto found = panel.options.find(key);
  return found == panel.options.end() ? otherwise : found->second;
}

std::string PanelContext::title() const {
  return expand_template(panel.title, plan.scale.values, panel.place);
}

void PanelContext::fail(const std::string& what, const std::string& fix) const {
  fail_usage(panel.place, "the panel '" + panel.title + "' " + what, fix);
}

std::vector<double> RunGroup::numbers(const std::string& path) const {
  std::vector<double> numbers;
  for (const RunRecord* record : records) {
    const auto value = value_of(*record, path);
    if (value && std::isfinite(*value)) numbers.push_back(*value);
  }
  return numbers;
}

std::vector<double> RunGroup::perplexities() const {
  std::vector<double> found;
  for (const RunRecord* record : records) {
    const auto value = value_of(*record, "perplexity");
    if (is_perplexity(value)) found.push_back(*value);
  }
  return found;
}

std::string RunGroup::gap() const {
  if (records.size() == num_planned) return "";
  const std::string counts = std::to_string(records.size()) + " of " + std::to_string(num_planned) +
                             (num_planned == 1 ? " seed" : " seeds");
  return (records.empty() ? "not measured yet" : counts) +
         (reason.empty() ? "" : ": " + reason.substr(0, reason.find('\n')));
}

namespace {

std::vector<RunGroup> all_groups(const PanelContext& context) {
  std::vector<RunGroup> groups;
  std::map<std::string, size_t> places;
  for (size_t i = 0; i < context.plan.runs.size(); ++i) {
    const PlannedRun& run = context.plan.runs[i];
    if (run.experiment != context.experiment.name) continue;
    const auto [place, is_new] = places.emplace(run.name, groups.size());
    if (is_new) {
      RunGroup& added = groups.emplace_back();
      added.name = run.name;
      added.label = run.label;
      added.values = run.values;
    }
    RunGroup* group = &groups[place->second];
    ++group->num_planned;
    const auto record = context.result.records.find(run.hash);
    if (record != context.result.records.end()) {
      group->records.push_back(&record->second);
    } else if (!context.result.outcomes[i].reason.empty()) {
      group->reason = context.result.outcomes[i].reason;
    }
  }
  return groups;
}

std::string names_of_groups(const std::vector<RunGroup>& groups) {
  std::string names = "runs here:";
  for (const RunGroup& group : groups) names += " " + group.name;
  return names;
}

/// Whether a pattern can fit a template's name at some scale: {variable} stands for anything.
bool may_fit(const std::string& name, const std::string& pattern) {
  std::string stars;
  for (size_t i = 0; i < name.size(); ++i) {
    if (name[i] == '{') {
      stars += '*';
      i = std::min(name.find('}', i), name.size());
    } else {
      stars += name[i];
    }
  }
  const std::string fixed = pattern.substr(0, pattern.find('*'));
  const std::string begin = stars.substr(0, stars.find('*'));
  return matches_pattern(name, pattern) || matches_pattern(pattern, stars) ||
         fixed.rfind(begin, 0) == 0 || begin.rfind(fixed, 0) == 0;
}

}  // namespace

std::vector<RunGroup> groups_of(const PanelContext& context) {
  std::vector<RunGroup> all = all_groups(context);
  if (context.panel.runs.empty()) return all;
  std::vector<RunGroup> chosen;
  std::set<std::string> names;
  for (const std::string& text : context.panel.runs) {
    const std::string pattern =
        expand_template(text, context.plan.scale.values, context.panel.place);
    bool found = false;
    for (const RunGroup& group : all) {
      if (!matches_pattern(group.name, pattern)) continue;
      found = true;
      if (names.insert(group.name).second) chosen.push_back(group);
    }
    const auto& runs = context.experiment.runs;
    const bool possible = std::any_of(runs.begin(), runs.end(), [&](const RunTemplate& run) {
      return may_fit(run.name, pattern);
    });
    if (!found && !possible) context.fail("names no run '" + pattern + "'", names_of_groups(all));
  }
  return chosen;
}

void require_variable(const PanelContext& context, const std::vector<RunGroup>& groups,
                      const std::string& key, const std::string& variable) {
  if (groups.empty()) return;  // none at this scale
  const bool known = std::any_of(groups.begin(), groups.end(), [&](const RunGroup& group) {
    const auto found = group.values.find(variable);
    return found != group.values.end() && found->second.size() == 1;
  });
  if (!known) {
    context.fail("has " + key + ": " + variable + ", which is no variable of its runs",
                 "name one of `each`, or a value of the scale");
  }
}

std::optional<RunGroup> baseline_of(const PanelContext& context) {
  if (context.panel.baseline.empty()) return std::nullopt;
  const std::string name =
      expand_template(context.panel.baseline, context.plan.scale.values, context.panel.place);
  for (RunGroup& group : all_groups(context)) {
    if (group.name == name) return std::move(group);
  }
  context.fail("has no baseline '" + name + "'", names_of_groups(all_groups(context)));
}

nlohmann::ordered_json result_of(const RunRecord& record) {
  return parse_json<nlohmann::ordered_json>(record.result).value;
}

double number_in(const nlohmann::ordered_json& json, const char* key) {
  const auto found = json.find(key);  // the end for anything but an object
  return found != json.end() && found->is_number() ? found->get<double>() : std::nan("");
}

std::string mean_with_spread(const std::vector<double>& values, int digits) {
  const MeanInterval interval = mean_interval(values);
  std::string text = format_number(interval.mean, digits);
  if (values.size() > 1) text += " ± " + format_number(interval.high - interval.mean, 2);
  return text;
}

HtmlCell mean_cell(const RunGroup& group, const std::vector<double>& values, int digits) {
  std::string note = group.gap();
  const size_t lacking = group.records.size() - std::min(values.size(), group.records.size());
  if (lacking > 0) {
    note += (note.empty() ? "" : "; ") + std::to_string(lacking) + " of " +
            std::to_string(group.records.size()) + " without a usable number";
  }
  return values.empty() ? missing_cell(note) : number_cell(mean_with_spread(values, digits), note);
}

Agreement compare_perplexities(const RunGroup& group, const RunGroup& baseline, double margin) {
  AgreementRules rules;
  rules.margin = margin;
  // A seed gives both models the same data in the same order, so their runs are pairs.
  std::vector<double> ours, theirs;
  for (const RunRecord* record : group.records) {
    for (const RunRecord* other : baseline.records) {
      if (record->seed != other->seed) continue;
      const auto a = value_of(*record, "perplexity"), b = value_of(*other, "perplexity");
      if (!is_perplexity(a) || !is_perplexity(b)) continue;
      ours.push_back(*a);
      theirs.push_back(*b);
    }
  }
  return compare_pairs(ours, theirs, rules);
}

HtmlBadge badge_of(const Agreement& agreement) {
  BadgeTone tone = BadgeTone::kNeutral;
  if (agreement.verdict == Verdict::kEquivalent || agreement.verdict == Verdict::kAhead) {
    tone = BadgeTone::kGood;
  }
  if (agreement.verdict == Verdict::kBehind) tone = BadgeTone::kBad;
  if (agreement.verdict == Verdict::kNotMeasured) tone = BadgeTone::kMissing;
  return {tone, agreement_words(agreement)};
}

const std::vector<PanelKind>& panel_kinds() {
  static const std::vector<PanelKind> kKinds{
      {"curves", add_curves, {"baseline", "margin"}},
      {"finals", add_finals, {"baseline", "margin"}},
      {"over", add_over, {"x", "columns", "baseline", "margin"}},
      {"equal_seconds", add_equal_seconds, {}},
      {"spectrum", add_spectrum, {}},
      {"projection_error", add_projection_error, {}},
      {"operations", add_operations, {}},
      {"encoder_speed", add_encoder_speed, {}},
      {"tasks", add_tasks, {"rows", "columns", "value", "published"}},
      {"matrix", add_matrix, {"rows", "columns", "value"}},
      {"loss_groups", add_loss_groups, {"value"}},
      {"recall", add_recall, {}},
      {"published", add_published, {"published"}}};
  return kKinds;
}

}  // namespace linformer
