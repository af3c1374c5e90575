#pragma once

#include <cstddef>
#include <vector>

#include "linformer/config/experiment_file.h"
#include "linformer/experiments/experiment_plan.h"

namespace linformer {

/// The steps of the plan's scale that make data for these runs of the plan, in their order.
///
/// A step is left out only if runs of `whole`, the report with all its experiments, name what it
/// makes, in their settings and commands or through another step, and the given runs don't.
std::vector<PrepareStep> needed_steps(const ExperimentPlan& plan, const std::vector<size_t>& runs,
                                      const ExperimentPlan& whole);

}  // namespace linformer
