#include "linformer/report/expected_band.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>

#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/metrics/statistics.h"
#include "linformer/metrics/student_t.h"

namespace linformer {

namespace {

constexpr double kQuantile = 0.995;  // of both sides: 99 % lie between
constexpr size_t kFewestRuns = 3;

/// The mean training loss of steps first + 1 to last, from log lines that are means over the steps
/// since the line before. Nothing if no line ends there.
std::optional<double> mean_train_loss(const RunFolder& run, int64_t first, int64_t last) {
  double sum = 0.0, steps = 0.0;
  int64_t before = 0;
  for (const LogRecord& line : run.training) {
    const int64_t step = whole_in(line, "step");
    const double loss = number_in(line, "loss").value_or(std::nan(""));
    const int64_t covered = std::min(step, last) - std::max(before, first);
    before = step;
    if (covered <= 0 || !std::isfinite(loss)) continue;
    sum += loss * static_cast<double>(covered);
    steps += static_cast<double>(covered);
  }
  if (steps == 0.0) return std::nullopt;
  return sum / steps;
}

const LogRecord* evaluation_at(const RunFolder& run, int64_t step) {
  for (const LogRecord& line : run.evaluations) {
    if (whole_in(line, "step") == step && number_in(line, "valid_loss")) return &line;
  }
  return nullptr;
}

ExpectedRange range_of(const std::vector<double>& values) {
  const auto count = static_cast<double>(values.size());
  ExpectedRange range;
  range.mean = mean_of(values);
  range.stddev = sample_stddev(values);
  const double reach =
      student_t_quantile(kQuantile, count - 1.0) * range.stddev * std::sqrt(1.0 + 1.0 / count);
  range.low = range.mean - reach;
  range.high = range.mean + reach;
  return range;
}

std::string describe_run(const RunFolder& run) {
  const auto step = run.total_steps ? " of " + format_count(*run.total_steps) : std::string();
  return name_of(run.status) + " at step " + format_count(run.step) + step;
}

/// Refuses runs that are not alike.
void check_runs(const std::vector<RunFolder>& runs) {
  if (runs.size() < kFewestRuns) {
    fail_usage("RUN", "no spread in " + format_count(static_cast<int64_t>(runs.size()), "run"),
               "give at least three, which differ in run.seed");
  }
  std::set<std::string> seeds;
  for (const RunFolder& run : runs) {
    if (run.kind != RunKind::kPretraining) {
      fail_usage(run.path, "is no pre-training run", "leave it out");
    }
    if (run.status != RunStatus::kFinished && run.status != RunStatus::kStopped) {
      fail_usage(run.path, "is not finished, and was not stopped (" + describe_run(run) + ")",
                 "run it to its end, stop it with SIGTERM, or leave it out");
    }
    if (!run.checkpoint || run.checkpoint->settings.empty()) {
      fail_usage(run.path, "has no checkpoint, so its settings are unknown",
                 "many runs keep theirs with --keep-models");
    }
    if (!seeds.insert(run.setting("run.seed")).second) {
      fail_usage(run.path, "has seed " + run.setting("run.seed") + " as another run",
                 "give each seed once");
    }
  }
}

double at_share(double from, double to, double share) {
  return from + (to - from) * share;
}

/// The band at a number of tokens; nothing outside the file's range.
std::optional<ExpectedRange> range_at(const ExpectedCurve& expected, double tokens) {
  const auto& points = expected.points;
  // A run of another seed has read a few tokens more or less at the same step.
  constexpr double kSlack = 0.01;
  const ExpectedPoint& first = points.front();
  const ExpectedPoint& last = points.back();
  if (tokens < static_cast<double>(first.tokens) * (1.0 - kSlack) ||
      tokens > static_cast<double>(last.tokens) * (1.0 + kSlack)) {
    return std::nullopt;
  }
  if (tokens <= static_cast<double>(first.tokens)) return first.valid_loss;
  for (size_t i = 1; i < points.size(); ++i) {
    const auto begin = static_cast<double>(points[i - 1].tokens);
    const auto end = static_cast<double>(points[i].tokens);
    if (tokens > end) continue;
    const double share = (tokens - begin) / (end - begin);
    const ExpectedRange &a = points[i - 1].valid_loss, &b = points[i].valid_loss;
    return ExpectedRange{at_share(a.mean, b.mean, share), at_share(a.stddev, b.stddev, share),
                         at_share(a.low, b.low, share), at_share(a.high, b.high, share)};
  }
  return last.valid_loss;
}

/// The band of an evaluation: the one measured at its step where the file has it.
std::optional<ExpectedRange> range_of_evaluation(const ExpectedCurve& expected,
                                                 const LogRecord& line) {
  for (const ExpectedPoint& point : expected.points) {
    if (point.step == whole_in(line, "step")) return point.valid_loss;
  }
  return range_at(expected, number_in(line, "tokens").value_or(0.0));
}

BandCheck check(const char* what, int64_t step, double value, const ExpectedRange& range) {
  BandCheck result{what, step, value, range.low, range.high, BandCheck::Place::kInside};
  if (value < range.low) {
    result.place = BandCheck::Place::kBelow;
  } else if (!(value <= range.high)) {  // also a value that is no number
    result.place = BandCheck::Place::kAbove;
  }
  return result;
}

}  // namespace

std::string BandCheck::text() const {
  const char* where = place == Place::kInside  ? "inside"
                      : place == Place::kAbove ? "above"
                                               : "below";
  return "step " + format_count(step) + ": " + what + " " + format_number(value) + " is " + where +
         " the expected " + format_number(low) + " to " + format_number(high) + " (perplexity " +
         format_number(std::exp(value)) + ", expected " + format_number(std::exp(low)) + " to " +
         format_number(std::exp(high)) + ")";
}

Settings expected_settings(const Settings& settings) {
  Settings kept;
  for (const auto& [key, value] : settings) {
    if (key == "run.seed" || key == "training.precision") continue;
    if (key.starts_with("training.loss_scale.")) continue;
    kept[key] = value;
  }
  return kept;
}

std::string why_not_comparable(const ExpectedCurve& expected, const Settings& settings,
                               const std::string& train_data, const std::string& valid_data) {
  for (const auto& [key, value] : expected.settings) {
    const auto found = settings.find(key);
    if (found == settings.end() || found->second == value) continue;
    return key + " is " + found->second + ", in the file " + value;
  }
  if (train_data != expected.train_data) {
    return "the training data are others than those of the file (another text or tokenizer)";
  }
  if (valid_data != expected.valid_data) {
    return "the held-out data are others than those of the file";
  }
  return "";
}

ExpectedCurve expected_curve(const std::vector<RunFolder>& runs, const std::string& configuration) {
  check_runs(runs);
  const RunFolder& first = runs.front();
  ExpectedCurve curve;
  curve.configuration = configuration;
  curve.settings = expected_settings(first.checkpoint->settings);
  curve.train_data = first.checkpoint->train_data;
  curve.valid_data = first.checkpoint->valid_data;
  for (const RunFolder& run : runs) {
    const std::string difference = why_not_comparable(
        curve, run.checkpoint->settings, run.checkpoint->train_data, run.checkpoint->valid_data);
    if (!difference.empty()) {
      fail_usage(run.path, "differs from " + first.path + " in more than the seed: " + difference,
                 "give runs of one configuration");
    }
    curve.seeds.push_back(run.setting("run.seed"));
    for (const LogRecord& line : run.journal) {
      curve.machine = text_in(line, "machine").value_or(curve.machine);
      curve.version = text_in(line, "version").value_or(curve.version);
      curve.date = text_in(line, "time").value_or(curve.date).substr(0, 10);
    }
  }
  int64_t before = 0;
  for (const LogRecord& line : first.evaluations) {
    const int64_t step = whole_in(line, "step");
    std::vector<double> valid, train, tokens;
    for (const RunFolder& run : runs) {
      const LogRecord* evaluation = evaluation_at(run, step);
      const std::optional<double> loss = mean_train_loss(run, before, step);
      if (!evaluation || !loss) break;
      valid.push_back(*number_in(*evaluation, "valid_loss"));
      train.push_back(*loss);
      tokens.push_back(number_in(*evaluation, "tokens").value_or(0.0));
    }
    if (valid.size() < runs.size()) continue;
    curve.points.push_back({step, std::llround(mean_of(tokens)), range_of(valid), range_of(train)});
    before = step;
  }
  if (curve.points.empty()) {
    fail_usage(
        first.path, "has no evaluation at a step at which all runs have one",
        "set evaluation.every and data.valid and train again; a run that was stopped before its "
        "first evaluation goes on with its command");
  }
  return curve;
}

std::vector<BandCheck> check_band(const ExpectedCurve& expected, const RunFolder& run,
                                  int64_t after_step) {
  std::vector<BandCheck> checks;
  for (const LogRecord& line : run.evaluations) {
    const int64_t step = whole_in(line, "step");
    const std::optional<double> loss = number_in(line, "valid_loss");
    if (step <= after_step || !loss) continue;
    if (const auto range = range_of_evaluation(expected, line)) {
      checks.push_back(check("held-out loss", step, *loss, *range));
    }
  }
  int64_t before = 0;
  for (const ExpectedPoint& point : expected.points) {
    if (point.step > run.step) break;
    const std::optional<double> loss = mean_train_loss(run, before, point.step);
    before = point.step;
    if (!loss || point.step <= after_step) continue;
    checks.push_back(check("training loss", point.step, *loss, point.train_loss));
  }
  std::stable_sort(checks.begin(), checks.end(),
                   [](const BandCheck& a, const BandCheck& b) { return a.step < b.step; });
  return checks;
}

std::string band_verdict(const std::vector<BandCheck>& checks) {
  if (checks.empty()) return "nothing to compare with the expected band yet";
  std::vector<const BandCheck*> outside;
  for (const BandCheck& one : checks) {
    if (one.place != BandCheck::Place::kInside) outside.push_back(&one);
  }
  const std::string all = std::to_string(checks.size());
  if (outside.empty()) return "inside the expected band at all " + all + " comparisons";
  return "outside the expected band at " + std::to_string(outside.size()) + " of " + all +
         " comparisons, first at " + outside.front()->text();
}

}  // namespace linformer
