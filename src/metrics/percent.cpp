#include "linformer/metrics/percent.h"

#include <cmath>

#include "linformer/config/metric.h"
#include "linformer/core/format.h"

namespace linformer {

std::string percent_text(double fraction, int decimals) {
  return std::isfinite(fraction) ? format_fixed(100.0 * fraction, decimals) + " %" : "-";
}

bool is_percent(std::string_view name) {
  constexpr std::string_view kHeldOut = "valid_";
  if (name.starts_with(kHeldOut)) name.remove_prefix(kHeldOut.size());
  return enum_of<Metric>(name).has_value();
}

std::string figure_text(std::string_view name, double value, int digits) {
  return is_percent(name) ? percent_text(value) : format_number(value, digits);
}

}  // namespace linformer
