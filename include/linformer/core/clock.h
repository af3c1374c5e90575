#pragma once

namespace linformer {

/// Seconds on a clock that nobody sets back; only differences mean something.
double steady_seconds();

}  // namespace linformer
