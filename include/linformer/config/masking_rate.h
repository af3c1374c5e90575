#pragma once

#include <cstdint>

namespace linformer {

/// The share of tokens to predict at each step, counted from 0. It changes linearly from `first` to
/// `last` over `steps` steps and then stays at `last`.
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
