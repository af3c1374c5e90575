#pragma once

#include <cstdint>

#include "linformer/config/trainer_config.h"

namespace linformer {

/// The learning rate of an update, counted from 0.
///
/// Warm-up w: peak * update / w. After it, with t the share of the way from w to total_steps:
///
///   linear         final + (peak - final) (1 - t)
///   cosine         final + (peak - final) (1 + cos(pi t)) / 2
///   polynomial     final + (peak - final) (1 - t)^power
///   constant       peak
///   inverse_sqrt   peak * sqrt(w / update), with 10,000 for w where there is no warm-up
///
/// From total_steps on, linear and polynomial stay at their final value. These are the definitions
/// of Hugging Face's schedules, also where their cosine rises again after total_steps, which no run
/// reaches. `total_steps` is not looked at by the last two.
double learning_rate_at(const ScheduleConfig& schedule, double peak, int64_t warmup_steps,
                        int64_t total_steps, int64_t update);

}  // namespace linformer
