#pragma once

#include <array>
#include <string_view>

#include "linformer/config/fields.h"

namespace linformer {

/// The metrics of a task; metrics/task_metrics.h computes them.
enum class Metric {
  kAccuracy,
  kF1,        ///< of class 1 against class 0
  kMcc,       ///< Matthews correlation, of any number of classes
  kPearson,   ///< of scores
  kSpearman,  ///< of scores
  kMacroF1,   ///< mean of the F1 of each class
};

template <>
struct EnumNames<Metric> {
  static constexpr std::array<std::string_view, 6> kNames{"accuracy", "f1",       "mcc",
                                                          "pearson",  "spearman", "macro_f1"};
};

/// Whether the metric compares scores, not classes.
constexpr bool is_of_scores(Metric metric) {
  return metric == Metric::kPearson || metric == Metric::kSpearman;
}

}  // namespace linformer
