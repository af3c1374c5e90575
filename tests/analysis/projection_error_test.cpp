#include "linformer/analysis/projection_error.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "torch_test_support.h"

#include "linformer/nn/parameters.h"

namespace linformer {
namespace {

at::Tensor draw(const std::string& name, at::IntArrayRef shape) {
  return ParameterSet(3, at::kDouble).draw_normal(name, shape, 1.0);
}

/// A softmax matrix (n, n).
at::Tensor probabilities(int64_t n) {
  return at::softmax(2.0 * draw("scores", {n, n}), -1);
}

double mean_error(const at::Tensor& P, const at::Tensor& V, int64_t k) {
  double sum = 0.0;
  for (uint64_t number = 0; number < 20; ++number) {
    sum += random_projection_errors(P, V, random_projection(k, P.size(1), 1, number, at::kDouble))
               .mean()
               .item<double>();
  }
  return sum / 20;
}

TEST(RandomProjection, IsAFunctionOfItsArguments) {
  const at::Tensor R = random_projection(16, 1024, 1, 7, at::kDouble);
  EXPECT_TRUE(at::equal(R, random_projection(16, 1024, 1, 7, at::kDouble)));
  EXPECT_TRUE(at::equal(R.to(at::kFloat), random_projection(16, 1024, 1, 7, at::kFloat)));
  EXPECT_FALSE(at::equal(R, random_projection(16, 1024, 1, 8, at::kDouble)));
  EXPECT_FALSE(at::equal(R, random_projection(16, 1024, 2, 7, at::kDouble)));
  EXPECT_EQ(R.sizes(), (std::vector<int64_t>{16, 1024}));
  // 16,384 draws of N(0, 1/16): the mean has deviation 0.002, the variance one of 0.0007.
  EXPECT_NEAR(R.mean().item<double>(), 0.0, 0.01);
  EXPECT_NEAR(R.var().item<double>(), 1.0 / 16, 0.003);
}

TEST(ColumnErrors, ByHand) {
  const at::Tensor exact = at::tensor({3., 0., 1., 4., 0., 0.}, at::kDouble).view({2, 3});
  const at::Tensor other = at::tensor({3., 0., 1., 4. + 5., 0., 2.}, at::kDouble).view({2, 3});
  // |(0, 5)| / |(3, 4)|; 0 / 0; |(0, 2)| / |(1, 0)|
  EXPECT_TRUE(at::equal(column_errors(other, exact), at::tensor({1., 0., 2.}, at::kDouble)));
}

TEST(RandomProjectionErrors, ByHand) {
  // R^T R = ((1, 1), (1, 1)): (1, 0) becomes (1, 1), (1, -1) becomes 0.
  const at::Tensor V = at::tensor({1., 1., 0., -1.}, at::kDouble).view({2, 2});
  const at::Tensor errors =
      random_projection_errors(at::eye(2, at::kDouble), V, at::ones({1, 2}, at::kDouble));
  EXPECT_TRUE(at::allclose(errors, at::ones({2}, at::kDouble)));
}

TEST(RandomProjectionErrors, AnOrthogonalRLosesNothing) {
  const at::Tensor P = probabilities(12);
  const at::Tensor V = draw("values", {12, 4});
  const at::Tensor Q = std::get<0>(at::linalg_qr(draw("R", {12, 12})));
  EXPECT_LT(random_projection_errors(P, V, Q).max().item<double>(), 1e-13);
}

TEST(RandomProjectionErrors, FallAsTheRootOfK) {
  const at::Tensor P = probabilities(64);
  const at::Tensor V = draw("values", {64, 8});
  double before = mean_error(P, V, 4);
  for (const int64_t k : {16, 64, 256}) {
    const double error = mean_error(P, V, k);
    EXPECT_NEAR(before / error, 2.0, 0.5) << k;
    before = error;
  }
}

TEST(TruncationErrors, ByHand) {
  // P v = (3, -1, 4) for v = 1; without the two smallest singular values (0, 0, 4).
  const at::Tensor P = at::diag(at::tensor({3., -1., 4.}, at::kDouble));
  const at::Tensor errors =
      truncation_errors(P, at::ones({3, 1}, at::kDouble), std::vector<int64_t>{1, 2, 3});
  EXPECT_NEAR(errors[0].item<double>(), std::sqrt(10.0 / 26), 1e-12);
  EXPECT_NEAR(errors[1].item<double>(), std::sqrt(1.0 / 26), 1e-12);
  EXPECT_EQ(errors[2].item<double>(), 0.0);
}

TEST(TruncationErrors, AreThoseOfTheTruncatedMatrix) {
  const at::Tensor P = probabilities(12);
  const at::Tensor V = draw("values", {12, 4});
  const auto [U, S, W] = at::linalg_svd(P, /*full_matrices=*/false);
  const std::vector<int64_t> lengths{1, 5, 11};
  const at::Tensor errors = truncation_errors(P, V, lengths);
  for (size_t i = 0; i < lengths.size(); ++i) {
    const int64_t k = lengths[i];
    const at::Tensor truncated = (U.narrow(1, 0, k) * S.narrow(0, 0, k)).mm(W.narrow(0, 0, k));
    EXPECT_LT(testing::relative_difference(errors[static_cast<int64_t>(i)],
                                           column_errors(truncated.mm(V), P.mm(V))),
              1e-7);
  }
}

TEST(ExponentialErrors, ByHand) {
  // n = 2, k = 1, R = (1, 1): softmax over one key is 1, and F V = exp(-delta) (3 + 1). A = 0:
  // softmax(w) = (1/2, 1/2), softmax(w) V = 2. So the error is 4 exp(-delta) - 2, and the bound
  // sqrt(1/2) sqrt(10).
  const at::Tensor A = at::zeros({1, 2}, at::kDouble);
  const at::Tensor V = at::tensor({3., 1.}, at::kDouble).view({2, 1});
  const at::Tensor R = at::ones({1, 2}, at::kDouble);
  ExponentialErrors errors = exponential_errors(A, V, R, 0.0);
  EXPECT_NEAR(errors.of_output.item<double>(), 1.0, 1e-12);
  EXPECT_NEAR(errors.of_bound.item<double>(), 2.0 / std::sqrt(5.0), 1e-12);
  errors = exponential_errors(A, V, R, std::log(2.0));
  EXPECT_NEAR(errors.of_output.item<double>(), 0.0, 1e-12);
  EXPECT_NEAR(errors.of_bound.item<double>(), 0.0, 1e-12);
}

TEST(ExponentialErrors, EMixesTheScores) {
  // w = (ln 3, 0), R = I, delta = 1: softmax(w) = (3/4, 1/4), the same with E; F = I / e.
  const at::Tensor A = at::tensor({std::log(3.0), 0.0}, at::kDouble).view({1, 2});
  const at::Tensor V = at::tensor({4., 8.}, at::kDouble).view({2, 1});
  const ExponentialErrors errors = exponential_errors(A, V, at::eye(2, at::kDouble), 1.0);
  EXPECT_NEAR(errors.of_output.item<double>(), 1.0 - std::exp(-1.0), 1e-12);
  // |5 (1 - 1/e)| / (sqrt(10) / 4 * sqrt(80))
  EXPECT_NEAR(errors.of_bound.item<double>(), 5.0 * (1.0 - std::exp(-1.0)) / std::sqrt(50.0),
              1e-12);
}

TEST(TheoremLengths, ByHand) {
  // epsilon = 1/2: 1/4 - 1/8 = 1/8
  EXPECT_NEAR(theorem_1_length(512, 0.5), 40.0 * std::log(512.0), 1e-9);
  const Theorem2Lengths lengths = theorem_2_lengths(512, 64, 0.5);
  EXPECT_NEAR(lengths.statement_n, 20.0 * std::log(512.0), 1e-9);
  EXPECT_NEAR(lengths.statement_d, 36.0 * 64.0 * std::log(64.0), 1e-9);
  EXPECT_NEAR(lengths.proof_nd, 40.0 * std::log(512.0 * 64.0), 1e-9);
  EXPECT_NEAR(lengths.proof_d, 72.0 * std::log(64.0), 1e-9);
}

}  // namespace
}  // namespace linformer
