#pragma once

#include <cstdint>
#include <span>

#include <ATen/core/Tensor.h>

namespace linformer {

// The two theorems of arXiv 2006.04768 as formulas on the matrices of one head. Letters: n tokens,
// k projected rows, D = head width; P (n, n) = softmax(A), A (n, n) = Q K^T / sqrt(D), V (n, D).

/// R (k, n) with entries N(0, 1/k): a pure function of its arguments. `number` tells draws apart.
at::Tensor random_projection(int64_t k, int64_t n, uint64_t seed, uint64_t number,
                             at::ScalarType dtype);

/// |a - e| / |e| for each column a of `approximation` and e of `exact`, (n, D) each. Two zero
/// columns differ by 0. Returns (D) double.
at::Tensor column_errors(const at::Tensor& approximation, const at::Tensor& exact);

/// Theorem 1: |P~ w - P w| / |P w| with P~ = P R^T R, for each column w of V. Returns (D) double.
at::Tensor random_projection_errors(const at::Tensor& P, const at::Tensor& V, const at::Tensor& R);

/// The same with P~ = P truncated to its k largest singular values, which is the nearest matrix of
/// rank k (Eckart and Young 1936). Returns (number of lengths, D) double.
at::Tensor truncation_errors(const at::Tensor& P, const at::Tensor& V,
                             std::span<const int64_t> projected_lengths);

/// The error of theorem 2 for each row w of A, (rows) double each.
struct ExponentialErrors {
  at::Tensor of_bound;   ///< |error| / (|softmax(w)| |V|), |V| = Frobenius norm
  at::Tensor of_output;  ///< |error| / |softmax(w) V|
};

/// Theorem 2 with the paper's construction, E = delta R and F = exp(-delta) R:
///
///   error = softmax(w E^T) F V - softmax(w) V
ExponentialErrors exponential_errors(const at::Tensor& A, const at::Tensor& V, const at::Tensor& R,
                                     double delta);

/// The k that theorem 1 asks for: 5 ln(n) / (epsilon^2 - epsilon^3), 0 < epsilon < 1.
double theorem_1_length(int64_t n, double epsilon);

/// The k that theorem 2 asks for. The statement has the smaller of two terms of unknown factors,
/// which are taken as 1. The proof has two steps. Logarithms are natural.
struct Theorem2Lengths {
  double statement_n = 0.0;  ///< 5 ln(n) / epsilon^2
  double statement_d = 0.0;  ///< 9 D ln(D) / epsilon^2
  double proof_nd = 0.0;     ///< 5 ln(n D) / (epsilon^2 - epsilon^3), depends on n
  double proof_d = 0.0;      ///< 9 ln(D) / (epsilon^2 - epsilon^3), for a submatrix of 2 D rows
};
Theorem2Lengths theorem_2_lengths(int64_t n, int64_t head_size, double epsilon);

}  // namespace linformer
