#include "linformer/optim/learning_rate.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace linformer {

double learning_rate_at(const ScheduleConfig& schedule, double peak, int64_t warmup_steps,
                        int64_t total_steps, int64_t update) {
  if (update < warmup_steps) {
    return peak * static_cast<double>(update) / static_cast<double>(warmup_steps);
  }
  const double span = static_cast<double>(std::max<int64_t>(1, total_steps - warmup_steps));
  // A warm-up that lasts until total_steps leaves no steps between the two.
  const double unbounded =
      update == total_steps ? 1.0 : static_cast<double>(update - warmup_steps) / span;
  const double way = std::min(1.0, unbounded);
  const double fall = peak - schedule.final_learning_rate;
  switch (schedule.type) {
    case ScheduleType::kLinear:
      return schedule.final_learning_rate + fall * (1.0 - way);
    case ScheduleType::kCosine:
      return schedule.final_learning_rate +
             fall * 0.5 * (1.0 + std::cos(std::numbers::pi * unbounded));
    case ScheduleType::kPolynomial:
      return schedule.final_learning_rate + fall * std::pow(1.0 - way, schedule.power);
    case ScheduleType::kConstant:
      return peak;
    case ScheduleType::kInverseSqrt: {
      const double scale = warmup_steps > 0 ? static_cast<double>(warmup_steps) : 10000.0;
      const double since = static_cast<double>(update - warmup_steps) + scale;
      return peak / std::sqrt(since / scale);
    }
  }
  return peak;
}

int64_t schedule_end(const ScheduleConfig& schedule, std::optional<int64_t> max_steps) {
  if (!max_steps) return INT64_MAX;
  return schedule.final_learning_rate > 0.0 ? *max_steps - 1 : *max_steps;
}

}  // namespace linformer
