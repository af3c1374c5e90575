#include "linformer/metrics/student_t.h"

#include <cmath>
#include <limits>
#include <stdexcept>

namespace linformer {

namespace {

constexpr double kTiny = 1e-300;  // stands for a denominator of 0 (Lentz's method)
constexpr int kMaxTerms = 10000;

double away_from_zero(double value) {
  return std::abs(value) < kTiny ? kTiny : value;
}

/// 1 + d_1 / (1 + d_2 / (1 + ...)) with the d of DLMF 8.17.23, by Lentz's method.
double beta_fraction(double a, double b, double x) {
  double value = 1.0, numerator = 1.0, denominator = 0.0;
  for (int term = 1; term < kMaxTerms; ++term) {
    const double m = term / 2;
    const double d = term % 2 == 0
                         ? m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m))
                         : -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
    denominator = 1.0 / away_from_zero(1.0 + d * denominator);
    numerator = away_from_zero(1.0 + d / numerator);
    const double factor = numerator * denominator;
    value *= factor;
    if (std::abs(factor - 1.0) < std::numeric_limits<double>::epsilon()) break;
  }
  return value;
}

}  // namespace

double incomplete_beta(double a, double b, double x) {
  if (!(a > 0.0 && b > 0.0 && x >= 0.0 && x <= 1.0))
    throw std::invalid_argument("incomplete_beta needs a, b > 0 and 0 <= x <= 1");
  if (x == 0.0 || x == 1.0) return x;
  // The fraction converges fast on this side; I_x(a, b) = 1 - I_(1-x)(b, a) gives the other.
  if (x > (a + 1.0) / (a + b + 2.0)) return 1.0 - incomplete_beta(b, a, 1.0 - x);
  const double log_factor =
      std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) + a * std::log(x) + b * std::log1p(-x);
  return std::exp(log_factor) / (a * beta_fraction(a, b, x));
}

double student_t_cdf(double t, double degrees) {
  if (!(degrees > 0.0) || std::isnan(t))
    throw std::invalid_argument("student_t_cdf needs a number and degrees > 0");
  const double tail =
      std::isinf(t) ? 0.0 : 0.5 * incomplete_beta(degrees / 2.0, 0.5, degrees / (degrees + t * t));
  return t < 0.0 ? tail : 1.0 - tail;
}

double student_t_quantile(double probability, double degrees) {
  if (!(probability > 0.0 && probability < 1.0 && degrees > 0.0))
    throw std::invalid_argument("student_t_quantile needs 0 < probability < 1 and degrees > 0");
  if (probability == 0.5) return 0.0;
  // The tail is searched, because it keeps its digits where 1 - tail does not.
  const double tail = probability < 0.5 ? probability : 1.0 - probability;
  double low = 0.0, high = 1.0;
  while (student_t_cdf(-high, degrees) > tail && high < 1e100) high *= 2.0;
  for (double middle = 0.5 * high; middle > low && middle < high; middle = 0.5 * (low + high)) {
    (student_t_cdf(-middle, degrees) > tail ? low : high) = middle;
  }
  return probability < 0.5 ? -high : high;
}

}  // namespace linformer
