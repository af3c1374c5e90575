#pragma once

namespace linformer {

inline constexpr double kSecondsPerHour = 3600.0;

/// Seconds on a monotonic clock; only differences are meaningful.
double steady_seconds();

}  // namespace linformer
