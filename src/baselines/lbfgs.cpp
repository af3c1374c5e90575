#include "linformer/baselines/lbfgs.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <numeric>

namespace linformer {

namespace {

constexpr double kSufficientDecrease = 1e-4;
constexpr int kMaxHalvings = 40;

double dot(std::span<const double> a, std::span<const double> b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

/// Computes a += scale b.
void add(std::span<double> a, double scale, std::span<const double> b) {
  for (size_t i = 0; i < a.size(); ++i) a[i] += scale * b[i];
}

/// A step s, the change y of the gradient along it, and their product s y.
struct Pair {
  std::vector<double> step, change;
  double product = 0.0;
};

/// Returns - H g, with H built from the pairs (the two-loop recursion).
std::vector<double> direction_of(const std::vector<double>& gradient,
                                 const std::deque<Pair>& pairs) {
  std::vector<double> direction = gradient;
  std::vector<double> alphas(pairs.size());
  for (size_t i = pairs.size(); i-- > 0;) {
    alphas[i] = dot(pairs[i].step, direction) / pairs[i].product;
    add(direction, -alphas[i], pairs[i].change);
  }
  if (!pairs.empty()) {
    const Pair& last = pairs.back();
    const double scale = last.product / dot(last.change, last.change);
    for (double& value : direction) value *= scale;
  }
  for (size_t i = 0; i < pairs.size(); ++i) {
    const double beta = dot(pairs[i].change, direction) / pairs[i].product;
    add(direction, alphas[i] - beta, pairs[i].step);
  }
  for (double& value : direction) value = -value;
  return direction;
}

double largest_component(const std::vector<double>& gradient) {
  double largest = 0.0;
  for (const double value : gradient) largest = std::max(largest, std::abs(value));
  return largest;
}

}  // namespace

LbfgsResult minimize_lbfgs(const Objective& objective, std::vector<double>& x,
                           const LbfgsOptions& options) {
  std::vector<double> gradient(x.size()), new_gradient(x.size()), new_x(x.size());
  std::deque<Pair> pairs;
  LbfgsResult result;
  result.value = objective(x, gradient);
  const auto is_small = [&] {
    return largest_component(gradient) <=
           options.gradient_tolerance * std::max(1.0, std::abs(result.value));
  };
  for (; result.iterations < options.max_iterations && !is_small(); ++result.iterations) {
    std::vector<double> direction = direction_of(gradient, pairs);
    double slope = dot(gradient, direction);
    if (!(slope < 0.0)) {  // rounding has spoilt the pairs
      pairs.clear();
      direction = direction_of(gradient, pairs);
      slope = dot(gradient, direction);
    }
    // The scale of the first step is unknown.
    double length = pairs.empty() ? std::min(1.0, 1.0 / std::sqrt(-slope)) : 1.0;
    double value = 0.0;
    int halvings = 0;
    for (; halvings < kMaxHalvings; ++halvings, length /= 2.0) {
      std::copy(x.begin(), x.end(), new_x.begin());
      add(new_x, length, direction);
      value = objective(new_x, new_gradient);
      if (value <= result.value + kSufficientDecrease * length * slope) break;
    }
    if (halvings == kMaxHalvings) break;  // no descent within rounding
    Pair pair;
    for (size_t i = 0; i < x.size(); ++i) {
      pair.step.push_back(new_x[i] - x[i]);
      pair.change.push_back(new_gradient[i] - gradient[i]);
    }
    pair.product = dot(pair.step, pair.change);
    if (pair.product > 1e-12 * dot(pair.change, pair.change)) pairs.push_back(std::move(pair));
    if (static_cast<int64_t>(pairs.size()) > options.history) pairs.pop_front();
    x.swap(new_x);
    gradient.swap(new_gradient);
    result.value = value;
  }
  result.converged = is_small();
  return result;
}

}  // namespace linformer
