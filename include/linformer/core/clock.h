#pragma once

namespace linformer {

inline constexpr double kSecondsPerHour = 3600.0;

/// Seconds on a clock that nobody sets back; only differences mean something.
double steady_seconds();

}  // namespace linformer
