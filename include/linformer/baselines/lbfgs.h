#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace linformer {

struct LbfgsOptions {
  int64_t max_iterations = 200;
  int64_t history = 8;  ///< pairs of steps and gradient changes that are kept
  /// Stops when no component of the gradient is larger than this, relative to the value (at least
  /// 1).
  double gradient_tolerance = 1e-6;
};

struct LbfgsResult {
  double value = 0.0;
  int64_t iterations = 0;
  bool converged = false;  ///< the tolerance was reached
};

/// Returns the value at x, and writes the gradient there into the second argument.
using Objective = std::function<double(std::span<const double>, std::span<double>)>;

/// Minimises a smooth function. It starts at x, which becomes the minimum. L-BFGS (Nocedal and
/// Wright, algorithm 7.5) with step halving until the decrease is sufficient (Armijo).
/// Deterministic.
LbfgsResult minimize_lbfgs(const Objective& objective, std::vector<double>& x,
                           const LbfgsOptions& options = {});

}  // namespace linformer
