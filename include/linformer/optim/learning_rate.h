#pragma once

#include <cstdint>
#include <optional>

#include "linformer/config/trainer_config.h"

namespace linformer {

/// The learning rate of an update; updates count from 0.
///
/// During a warm-up of w updates it is peak * update / w. After it, with t the share of the way
/// from w to total_steps:
///
///   linear         final + (peak - final) (1 - t)
///   cosine         final + (peak - final) (1 + cos(pi t)) / 2
///   polynomial     final + (peak - final) (1 - t)^power
///   constant       peak
///   inverse_sqrt   peak * sqrt(w / update), with 10,000 for w where there is no warm-up
///
/// Update total_steps is the first one with the final value; after it, linear and polynomial stay
/// at that value. These are the definitions of Hugging Face's schedules. Their cosine rises again
/// after total_steps, which no run reaches. The last two schedules do not use `total_steps`
/// (schedule_end()).
double learning_rate_at(const ScheduleConfig& schedule, double peak, int64_t warmup_steps,
                        int64_t total_steps, int64_t update);

/// The total_steps of a run: its last update, so that the last step has final_learning_rate. If
/// that is 0, it is the update after the last one, since a step at rate 0 would learn nothing.
/// INT64_MAX without max_steps.
int64_t schedule_end(const ScheduleConfig& schedule, std::optional<int64_t> max_steps);

}  // namespace linformer
