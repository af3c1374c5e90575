#include "linformer/analysis/projection_error.h"

#include <cmath>
#include <limits>
#include <vector>

#include <ATen/ATen.h>

#include "linformer/core/random.h"

namespace linformer {
namespace {

/// a / b, and 0 for 0 / 0.
at::Tensor ratio(const at::Tensor& a, const at::Tensor& b) {
  return a.to(at::kDouble) / b.to(at::kDouble).clamp_min(std::numeric_limits<double>::min());
}

double jl_denominator(double epsilon) {
  return epsilon * epsilon - epsilon * epsilon * epsilon;
}

}  // namespace

at::Tensor random_projection(int64_t k, int64_t n, uint64_t seed, uint64_t number,
                             at::ScalarType dtype) {
  RandomStream random(RandomPurpose::kRandomProjection,
                      {seed, number, static_cast<uint64_t>(k), static_cast<uint64_t>(n)});
  const at::Tensor R = at::empty({k, n}, at::kDouble);
  const double stddev = 1.0 / std::sqrt(static_cast<double>(k));
  double* values = R.mutable_data_ptr<double>();
  for (int64_t i = 0; i < k * n; ++i) values[i] = stddev * random.normal();
  return R.to(dtype);
}

at::Tensor column_errors(const at::Tensor& approximation, const at::Tensor& exact) {
  return ratio((approximation - exact).norm(2, 0), exact.norm(2, 0));
}

at::Tensor random_projection_errors(const at::Tensor& P, const at::Tensor& V, const at::Tensor& R) {
  return column_errors(P.mm(R.t().mm(R.mm(V))), P.mm(V));
}

at::Tensor truncation_errors(const at::Tensor& P, const at::Tensor& V,
                             std::span<const int64_t> projected_lengths) {
  // P = U S W^T, so |(P - P_k) v|^2 is the sum of (s_i w_i^T v)^2 over i > k. The eigenvectors of
  // P^T P give W and S^2 without U, the smallest first.
  const at::Tensor exact_P = P.to(at::kDouble);
  const auto [squares, vectors] = at::linalg_eigh(exact_P.t().mm(exact_P));
  const at::Tensor parts = vectors.t().mm(V.to(at::kDouble)).square();
  const at::Tensor sums = (squares.clamp_min(0.0).unsqueeze(1) * parts).cumsum(0);
  const int64_t n = P.size(1);
  std::vector<at::Tensor> errors;
  for (const int64_t k : projected_lengths) {
    const at::Tensor rest = k >= n ? at::zeros_like(sums[0]) : sums[n - k - 1];
    errors.push_back(ratio(rest.sqrt(), sums[n - 1].sqrt()));
  }
  return at::stack(errors);
}

ExponentialErrors exponential_errors(const at::Tensor& A, const at::Tensor& V, const at::Tensor& R,
                                     double delta) {
  const at::Tensor E = delta * R;
  const at::Tensor F = std::exp(-delta) * R;
  const at::Tensor weights = at::softmax(A, -1);
  const at::Tensor exact = weights.mm(V);
  const at::Tensor error =
      (at::softmax(A.mm(E.t()), -1).mm(F.mm(V)) - exact).norm(2, 1).to(at::kDouble);
  const at::Tensor bound = weights.norm(2, 1).to(at::kDouble) * V.to(at::kDouble).norm();
  return {ratio(error, bound), ratio(error, exact.norm(2, 1))};
}

double theorem_1_length(int64_t n, double epsilon) {
  return 5.0 * std::log(static_cast<double>(n)) / jl_denominator(epsilon);
}

Theorem2Lengths theorem_2_lengths(int64_t n, int64_t head_size, double epsilon) {
  const auto d = static_cast<double>(head_size);
  const auto length = static_cast<double>(n);
  const double square = epsilon * epsilon;
  return {5.0 * std::log(length) / square, 9.0 * d * std::log(d) / square,
          5.0 * std::log(length * d) / jl_denominator(epsilon),
          9.0 * std::log(d) / jl_denominator(epsilon)};
}

}  // namespace linformer
