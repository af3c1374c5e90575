#pragma once

namespace linformer {

/// I_x(a, b), the regularised incomplete beta function (DLMF 8.17), by its continued fraction
/// (8.17.22). 0 <= x <= 1; a, b > 0. Accurate to 1e-14 for small a and b, and to 1e-10 up to
/// 1e4.
double incomplete_beta(double a, double b, double x);

/// P(T <= t) for Student's t with `degrees` > 0 degrees of freedom (need not be whole):
///   t >= 0: 1 - I_x(degrees / 2, 1 / 2) / 2 with x = degrees / (degrees + t^2)
double student_t_cdf(double t, double degrees);

/// The t for which P(T <= t) = probability; 0 < probability < 1.
double student_t_quantile(double probability, double degrees);

}  // namespace linformer
