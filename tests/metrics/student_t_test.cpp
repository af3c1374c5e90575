#include "linformer/metrics/student_t.h"

#include <cmath>
#include <numbers>
#include <stdexcept>

#include <gtest/gtest.h>

namespace linformer {
namespace {

TEST(IncompleteBeta, HasItsClosedForms) {
  for (const double x : {0.0, 0.01, 0.3, 0.5, 0.9, 1.0}) {
    EXPECT_NEAR(incomplete_beta(1.0, 1.0, x), x, 1e-14);
    EXPECT_NEAR(incomplete_beta(2.0, 2.0, x), x * x * (3.0 - 2.0 * x), 1e-14);
    EXPECT_NEAR(incomplete_beta(7.5, 1.0, x), std::pow(x, 7.5), 1e-14);
  }
  for (const double a : {0.5, 3.0, 400.0, 1e4}) {
    EXPECT_NEAR(incomplete_beta(a, a, 0.5), 0.5, 1e-10) << a;  // by symmetry
  }
}

TEST(IncompleteBeta, RefusesWhatIsOutside) {
  EXPECT_THROW(incomplete_beta(0.0, 1.0, 0.5), std::invalid_argument);
  EXPECT_THROW(incomplete_beta(1.0, 1.0, 1.1), std::invalid_argument);
  EXPECT_THROW(incomplete_beta(1.0, 1.0, std::nan("")), std::invalid_argument);
}

TEST(StudentT, HasItsClosedForms) {
  for (const double t : {-30.0, -2.0, -0.1, 0.0, 0.5, 3.0}) {
    // Cauchy's distribution, and that of 2 degrees of freedom.
    EXPECT_NEAR(student_t_cdf(t, 1.0), 0.5 + std::atan(t) / std::numbers::pi, 1e-14) << t;
    EXPECT_NEAR(student_t_cdf(t, 2.0), 0.5 + t / (2.0 * std::sqrt(2.0 + t * t)), 1e-14) << t;
  }
  EXPECT_NEAR(student_t_cdf(1.959963984540054, 1e7), 0.975, 1e-7);  // nearly a normal distribution
  EXPECT_EQ(student_t_cdf(-INFINITY, 3.0), 0.0);
  EXPECT_EQ(student_t_cdf(INFINITY, 3.0), 1.0);
}

TEST(StudentT, HasTheQuantilesOfPublishedTables) {
  // NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2, rounded to three decimals there.
  struct Row {
    double degrees, t_950, t_975, t_995;
  };
  for (const Row& row :
       {Row{1, 6.314, 12.706, 63.657}, Row{2, 2.920, 4.303, 9.925}, Row{3, 2.353, 3.182, 5.841},
        Row{4, 2.132, 2.776, 4.604}, Row{10, 1.812, 2.228, 3.169}, Row{30, 1.697, 2.042, 2.750},
        Row{100, 1.660, 1.984, 2.626}}) {
    EXPECT_NEAR(student_t_quantile(0.950, row.degrees), row.t_950, 5.001e-4) << row.degrees;
    EXPECT_NEAR(student_t_quantile(0.975, row.degrees), row.t_975, 5.001e-4) << row.degrees;
    EXPECT_NEAR(student_t_quantile(0.995, row.degrees), row.t_995, 5.001e-4) << row.degrees;
  }
}

TEST(StudentT, TheQuantileInvertsTheDistribution) {
  EXPECT_EQ(student_t_quantile(0.5, 3.0), 0.0);
  for (const double degrees : {0.7, 1.1361, 4.0, 57.3}) {
    for (const double probability : {1e-12, 0.001, 0.3, 0.8, 0.999}) {
      const double t = student_t_quantile(probability, degrees);
      EXPECT_NEAR(student_t_cdf(t, degrees) / probability, 1.0, 1e-10)
          << probability << " " << degrees;
    }
  }
  EXPECT_DOUBLE_EQ(student_t_quantile(0.025, 5.0), -student_t_quantile(0.975, 5.0));
  EXPECT_THROW(student_t_quantile(1.0, 5.0), std::invalid_argument);
  EXPECT_THROW(student_t_quantile(0.5, 0.0), std::invalid_argument);
}

}  // namespace
}  // namespace linformer
