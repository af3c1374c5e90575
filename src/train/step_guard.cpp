#include "linformer/train/step_guard.h"

#include <algorithm>
#include <cmath>

#include "linformer/core/format.h"

namespace linformer {
namespace {

/// Standard deviations that `value` lies above the mean of `past`.
double zscore(double value, const std::vector<double>& past) {
  const auto count = static_cast<double>(past.size());
  double sum = 0.0;
  for (const double x : past) sum += x;
  const double mean = sum / count;
  double squares = 0.0;
  for (const double x : past) squares += (x - mean) * (x - mean);
  const double deviation = std::sqrt(squares / count);
  return deviation > 0.0 ? (value - mean) / deviation : 0.0;
}

void remember(std::vector<double>& values, double value, int64_t window) {
  values.push_back(value);
  if (static_cast<int64_t>(values.size()) > window) values.erase(values.begin());
}

}  // namespace

std::optional<std::string> StepGuard::find_problem(double loss, double gradient_norm) const {
  struct Measure {
    const char* name;
    double value;
    const std::vector<double>& past;
  };
  const Measure measures[] = {{"loss", loss, state_.losses},
                              {"gradient norm", gradient_norm, state_.gradient_norms}};
  for (const Measure& measure : measures) {
    const std::string what = "the " + std::string(measure.name);
    if (!std::isfinite(measure.value)) {
      return what + " is not finite (" + format_number(measure.value) + ")";
    }
    if (config_.spike_zscore <= 0.0) continue;
    if (static_cast<int64_t>(measure.past.size()) < config_.spike_window) continue;
    const double z = zscore(measure.value, measure.past);
    if (z > config_.spike_zscore) {
      return what + " is a spike (" + format_number(measure.value) + ", " + format_number(z) +
             " standard deviations above the last " + std::to_string(measure.past.size()) +
             " steps)";
    }
  }
  return std::nullopt;
}

void StepGuard::accept(double loss, double gradient_norm) {
  state_.consecutive_skips = 0;
  if (config_.spike_zscore <= 0.0) return;
  remember(state_.losses, loss, config_.spike_window);
  remember(state_.gradient_norms, gradient_norm, config_.spike_window);
}

bool StepGuard::skip() {
  ++state_.num_skips;
  ++state_.consecutive_skips;
  return state_.consecutive_skips <= config_.max_skipped_steps;
}

bool StepGuard::passes_over(int64_t step) const {
  return std::any_of(
      state_.passed_over.begin(), state_.passed_over.end(),
      [&](const StepRange& range) { return range.first <= step && step <= range.last; });
}

void StepGuard::blame(int64_t bad_step, int64_t num_bad, int64_t num_rollbacks,
                      int64_t rollback_step) {
  const int64_t first_bad = bad_step - num_bad + 1;
  state_.passed_over.push_back({std::max<int64_t>(1, first_bad - config_.skip_before), bad_step});
  state_.consecutive_skips = 0;
  state_.num_rollbacks = num_rollbacks + 1;
  state_.rollback_step = rollback_step;
}

}  // namespace linformer
