#pragma once

#include <cstdint>

namespace linformer {

/// The share of tokens to predict at each step, from 0: from `first` to `last` on a line over
/// `steps` steps, then `last`.
struct MaskingRate {
  double first = 0.15;
  double last = 0.15;
  int64_t steps = 0;

  double at(int64_t step) const {
    if (step >= steps) return last;
    return first + (last - first) * static_cast<double>(step) / static_cast<double>(steps);
  }
};

}  // namespace linformer
