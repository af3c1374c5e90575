#pragma once

#include <string>
#include <string_view>

namespace linformer {

// One rule for scores and shares in all programs (docs/finetuning.md, "Metrics"): JSON, logs and
// event files hold the fraction; text and tables for people show percent, with the sign.

/// "52.17 %" for 0.5217; "-" for a value that is not finite.
std::string percent_text(double fraction, int decimals = 2);

/// A figure as people read it: percent if `name` is a metric of a task ("accuracy", also as
/// "valid_accuracy"), otherwise the number with `digits` significant digits.
std::string figure_text(std::string_view name, double value, int digits = 4);

/// Whether a figure is a metric of a task, which people read in percent.
bool is_percent(std::string_view name);

}  // namespace linformer
