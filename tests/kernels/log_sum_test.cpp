// The arithmetic that CUDA's cross-entropy shares with the CPU.
#include "kernels/log_sum.h"

#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "linformer/core/random.h"

namespace linformer {
namespace {

template <class C>
LogSum<C> one_by_one(const std::vector<C>& numbers) {
  LogSum<C> sum;
  for (size_t i = 0; i < numbers.size(); ++i) {
    sum = joined(sum, LogSum<C>::of(numbers[i], static_cast<int64_t>(i)));
  }
  return sum;
}

/// Halves joined, as the threads of a block do.
template <class C>
LogSum<C> as_tree(const std::vector<C>& numbers, size_t first, size_t count) {
  if (count == 0) return {};
  if (count == 1) return LogSum<C>::of(numbers[first], static_cast<int64_t>(first));
  return joined(as_tree(numbers, first, count / 2),
                as_tree(numbers, first + count / 2, count - count / 2));
}

TEST(LogSum, ByHand) {
  const LogSum<double> sum = one_by_one<double>({1.0, 3.0, 3.0, -2.0});
  EXPECT_EQ(sum.place, 1);
  EXPECT_EQ(sum.largest, 3.0);
  EXPECT_NEAR(sum.value(), std::log(std::exp(1.0) + 2 * std::exp(3.0) + std::exp(-2.0)), 1e-14);
}

TEST(LogSum, OfNothingHasNoPlace) {
  const LogSum<float> nothing;
  EXPECT_EQ(nothing.place, LogSum<float>::kNoPlace);
  EXPECT_EQ(joined(nothing, nothing).sum, 0.0F);
  const LogSum<float> one = joined(nothing, LogSum<float>::of(-5.0F, 7));
  EXPECT_EQ(one.place, 7);
  EXPECT_EQ(one.value(), -5.0F);
  EXPECT_EQ(joined(one, nothing).value(), -5.0F);
}

TEST(LogSum, AnyOrderGivesTheSameSumAndPlace) {
  RandomStream random(RandomPurpose::kTest, {5});
  for (int round = 0; round < 200; ++round) {
    std::vector<double> numbers(1 + random.below(40));
    // Few different numbers, so that many are equal.
    for (double& x : numbers) x = static_cast<double>(random.below(9)) * 20.0 - 90.0;
    const LogSum<double> ahead = one_by_one(numbers);
    const LogSum<double> tree = as_tree(numbers, 0, numbers.size());
    EXPECT_EQ(ahead.place, tree.place);
    EXPECT_NEAR(ahead.value(), tree.value(), 1e-12);
    double expected = 0.0;
    for (const double x : numbers) expected += std::exp(x - ahead.largest);
    EXPECT_NEAR(ahead.value(), ahead.largest + std::log(expected), 1e-12);
  }
}

TEST(LogSum, ExtremesStayFiniteAndNanIsSeen) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(one_by_one<float>({3e38F, -3e38F}).value(), 3e38F);
  EXPECT_EQ(one_by_one<float>({-kInfinity, 2.0F, -kInfinity}).value(), 2.0F);
  EXPECT_EQ(one_by_one<float>({-kInfinity, -kInfinity}).value(), -kInfinity);
  for (const auto& numbers :
       std::vector<std::vector<float>>{{NAN, 1.0F}, {1.0F, NAN}, {NAN, NAN}, {-kInfinity, NAN}}) {
    EXPECT_TRUE(std::isnan(one_by_one(numbers).value()));
  }
}

}  // namespace
}  // namespace linformer
