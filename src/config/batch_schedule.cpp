#include "linformer/config/batch_schedule.h"

#include <stdexcept>

namespace linformer {
namespace {

/// The sum of floor(a i / m) over i = 0 ... n - 1: the number of lattice points under a line.
/// Euclid's algorithm computes it in O(log m) iterations. a, n < 2^31.
int64_t floor_sum(int64_t n, int64_t m, int64_t a) {
  int64_t total = 0;
  int64_t b = 0;
  while (true) {
    total += n * (n - 1) / 2 * (a / m) + n * (b / m);
    a %= m;
    b %= m;
    const int64_t last = a * n + b;
    if (last < m) return total;
    // Counts the points between the line and the axis from the other axis.
    n = last / m;
    b = last % m;
    const int64_t old_m = m;
    m = a;
    a = old_m;
  }
}

}  // namespace

BatchSchedule::BatchSchedule(int64_t global, int64_t start, int64_t ramp_steps)
    : global_(global), start_(start), ramp_steps_(ramp_steps) {
  if (start < 1 || global % start != 0 || ramp_steps < 0 || ramp_steps > kMaxRampSteps) {
    throw std::invalid_argument("no such batch schedule");
  }
}

int64_t BatchSchedule::sequences(int64_t step) const {
  if (step >= ramp_steps_) return global_;
  return start_ * (1 + (global_ / start_ - 1) * step / ramp_steps_);
}

int64_t BatchSchedule::first_sequence(int64_t step) const {
  if (step > ramp_steps_) return first_sequence(ramp_steps_) + (step - ramp_steps_) * global_;
  if (step == 0) return 0;
  return start_ * (step + floor_sum(step, ramp_steps_, global_ / start_ - 1));
}

int64_t BatchSchedule::step_of(int64_t position) const {
  const int64_t after_ramp = position - first_sequence(ramp_steps_);
  if (after_ramp >= 0) return ramp_steps_ + after_ramp / global_;
  int64_t low = 0;  // first_sequence(low) <= position < first_sequence(high)
  int64_t high = ramp_steps_;
  while (high - low > 1) {
    const int64_t middle = low + (high - low) / 2;
    (first_sequence(middle) <= position ? low : high) = middle;
  }
  return low;
}

int64_t BatchSchedule::steps_for(int64_t sequences) const {
  return sequences <= 0 ? 0 : step_of(sequences - 1) + 1;
}

}  // namespace linformer
