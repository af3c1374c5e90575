#include "linformer/metrics/equivalence.h"

#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/temporary_folder.h"

#include "linformer/core/error.h"

namespace linformer {
namespace {

using ::testing::HasSubstr;

using Values = std::vector<double>;

AgreementRules accuracy_rules(double margin) {
  AgreementRules rules;
  rules.scale = EffectScale::kDifference;
  rules.better = BetterValue::kHigher;
  rules.margin = margin;
  rules.unit_factor = 100.0;
  rules.unit = "points";
  return rules;
}

/// exp() of each, so that logarithms are small round numbers.
Values exponentials(Values values) {
  for (double& value : values) value = std::exp(value);
  return values;
}

TEST(MeanInterval, IsStudents) {
  // mean 2, s = 1, t(0.975, 2) = 4.302653 by the closed form p sqrt(2 / (1 - p^2)), p = 0.95;
  // half = 4.302653 / sqrt(3)
  const MeanInterval interval = mean_interval(Values{1.0, 2.0, 3.0});
  const double half = 0.95 * std::sqrt(2.0 / (1.0 - 0.95 * 0.95)) / std::sqrt(3.0);
  EXPECT_DOUBLE_EQ(interval.mean, 2.0);
  EXPECT_NEAR(interval.low, 2.0 - half, 1e-12);
  EXPECT_NEAR(interval.high, 2.0 + half, 1e-12);
  EXPECT_EQ(interval.num_values, 3);
}

TEST(MeanInterval, OneValueHasNone) {
  EXPECT_EQ(mean_interval(Values{5.0}).mean, 5.0);
  EXPECT_TRUE(std::isnan(mean_interval(Values{5.0}).low));
  EXPECT_TRUE(std::isnan(mean_interval(Values{}).mean));
  EXPECT_THROW(mean_interval(Values{1.0, 2.0}, 1.0), std::invalid_argument);
}

TEST(Agreement, OfDifferencesByHand) {
  // means 2 and 3, s^2 = 1 each: se^2 = 2/3, df = (2/3)^2 / (2 (1/3)^2 / 2) = 4, t = -1.224745.
  const Agreement agreement =
      compare_seeds(Values{1.0, 2.0, 3.0}, Values{2.0, 3.0, 4.0}, accuracy_rules(0.5));
  EXPECT_DOUBLE_EQ(agreement.effect, -1.0);
  // t(0.95, 4) = 2.131847: -1 -+ 2.131847 * 0.816497
  EXPECT_NEAR(agreement.low, -1.0 - 2.131847 * std::sqrt(2.0 / 3.0), 1e-6);
  EXPECT_NEAR(agreement.high, -1.0 + 2.131847 * std::sqrt(2.0 / 3.0), 1e-6);
  // For 4 degrees, P(T <= t) = 1/2 + 3/8 t / sqrt(1 + t^2/4) (1 - t^2 / (12 (1 + t^2/4))).
  const auto cdf = [](double t) {
    const double s = 1.0 + t * t / 4.0;
    return 0.5 + 0.375 * t / std::sqrt(s) * (1.0 - t * t / (12.0 * s));
  };
  EXPECT_NEAR(agreement.p_difference, 2.0 * cdf(-std::sqrt(1.5)), 1e-12);
  EXPECT_NEAR(agreement.p_equivalence, cdf(0.5 * std::sqrt(1.5)), 1e-12);  // of -1 <= -0.5
  EXPECT_EQ(agreement.verdict, Verdict::kInconclusive);
  EXPECT_EQ(agreement_words(agreement), "inconclusive: -274.1 to +74.1 points");
}

TEST(Agreement, OfRatiosByHand) {
  // As above on logarithms: s = 0.01, d = -0.01, half = 2.131847 * 0.01 sqrt(2/3) = 0.0174064.
  const Agreement agreement = compare_seeds(exponentials({0.00, 0.01, 0.02}),
                                            exponentials({0.01, 0.02, 0.03}), AgreementRules{});
  EXPECT_NEAR(agreement.effect, std::exp(-0.01) - 1.0, 1e-12);
  EXPECT_NEAR(agreement.low, std::exp(-0.0274064) - 1.0, 1e-7);
  EXPECT_NEAR(agreement.high, std::exp(0.0074064) - 1.0, 1e-7);
  // t = (ln 1.03 - 0.01) / 0.00816497 = 2.39548
  EXPECT_NEAR(agreement.p_equivalence, 0.0373620, 1e-7);
  EXPECT_EQ(agreement.verdict, Verdict::kEquivalent);
  EXPECT_EQ(agreement_words(agreement), "equivalent within 3 %");
  EXPECT_EQ(agreement_sentence(agreement, "Linformer", "BERT"),
            "Linformer is equivalent to BERT within 3 %: the difference is -1.0 % "
            "(90 % interval -2.7 to +0.7 %; p = 0.037; 3 and 3 seeds).");
}

TEST(Agreement, IsEquivalentExactlyIfTheIntervalLiesWithinTheMargin) {
  const Values a = exponentials({0.00, 0.01, 0.02}), b = exponentials({0.01, 0.02, 0.03});
  AgreementRules rules;
  const double end = std::exp(0.01 + 2.13184678 * 0.01 * std::sqrt(2.0 / 3.0)) - 1.0;
  rules.margin = end + 1e-6;
  EXPECT_EQ(compare_seeds(a, b, rules).verdict, Verdict::kEquivalent);
  rules.margin = end - 1e-6;
  EXPECT_EQ(compare_seeds(a, b, rules).verdict, Verdict::kInconclusive);
}

TEST(Agreement, HasWelchsDegreesOfFreedom) {
  // scipy.stats.ttest_ind([0, 2, 4, 6], [0, 10], equal_var=False): df = 1.136095
  const Agreement agreement =
      compare_seeds(Values{0.0, 2.0, 4.0, 6.0}, Values{0.0, 10.0}, accuracy_rules(1.0));
  EXPECT_NEAR(agreement.p_difference, 0.7585287898865761, 1e-10);
  EXPECT_NEAR(agreement.low, -28.714251854770655, 1e-8);
  EXPECT_NEAR(agreement.high, 24.71425185477062, 1e-8);
}

TEST(Agreement, OfPairsByHand) {
  // differences 1, 2, 3: mean 2, s = 1, se = 1 / sqrt(3) = 0.57735, df = 2, t(0.95; 2) = 2.91999
  AgreementRules rules;
  rules.scale = EffectScale::kDifference;
  rules.margin = 4.0;
  const std::vector<double> a{11.0, 52.0, 103.0}, b{10.0, 50.0, 100.0};
  const Agreement agreement = compare_pairs(a, b, rules);
  EXPECT_EQ(agreement.verdict, Verdict::kEquivalent);
  EXPECT_DOUBLE_EQ(agreement.effect, 2.0);
  EXPECT_NEAR(agreement.low, 2.0 - 1.68586, 1e-4);
  EXPECT_NEAR(agreement.high, 2.0 + 1.68586, 1e-4);
  EXPECT_THAT(agreement_sentence(agreement, "A", "B"), HasSubstr("3 pairs of seeds"));
  // Without pairs, the spread between the seeds hides the difference.
  EXPECT_EQ(compare_seeds(a, b, rules).verdict, Verdict::kInconclusive);
}

TEST(Agreement, PairsOfRatiosDoNotDependOnWhatASeedDoesToBoth) {
  AgreementRules rules;
  rules.margin = 0.01;
  const std::vector<double> a{10.3, 20.6, 5.15}, b{10.0, 20.0, 5.0};
  const Agreement agreement = compare_pairs(a, b, rules);
  EXPECT_EQ(agreement.verdict, Verdict::kBehind);
  EXPECT_NEAR(agreement.effect, 0.03, 1e-12);
  EXPECT_EQ(compare_pairs({}, {}, rules).verdict, Verdict::kNotMeasured);
  EXPECT_EQ(compare_pairs(std::vector<double>{1.0}, std::vector<double>{1.0}, rules).verdict,
            Verdict::kOneSeed);
  EXPECT_THROW(compare_pairs(a, std::vector<double>{1.0}, rules), std::invalid_argument);
  EXPECT_THROW(compare_pairs(std::vector<double>{-1.0}, std::vector<double>{1.0}, rules), RunError);
}

TEST(Agreement, LargeRatiosAreWordedInTimes) {
  AgreementRules rules;
  const Agreement agreement = compare_pairs(std::vector<double>{120.0, 240.0, 361.0},
                                            std::vector<double>{10.0, 20.0, 30.0}, rules);
  EXPECT_EQ(agreement_words(agreement), "behind: 12.0 to 12.0 times as high");
}

TEST(Agreement, LowerPerplexityIsAhead) {
  // scipy.stats.ttest_ind of the logarithms: 90 % interval 7.118951 to 8.547002 %
  const Values worse{3.80, 3.82, 3.81}, better{3.52, 3.55, 3.53};
  const Agreement behind = compare_seeds(worse, better, AgreementRules{});
  EXPECT_NEAR(behind.low, 0.07118951, 1e-8);
  EXPECT_NEAR(behind.high, 0.08547002, 1e-8);
  EXPECT_NEAR(behind.p_difference, 6.36026166836837e-05, 1e-12);
  EXPECT_EQ(behind.verdict, Verdict::kBehind);
  EXPECT_EQ(agreement_words(behind), "behind by 7.1 to 8.5 %");
  EXPECT_EQ(agreement_sentence(behind, "A", "B"),
            "A is behind B by 7.1 to 8.5 % (90 % interval; p < 0.001; 3 and 3 seeds).");
  const Agreement ahead = compare_seeds(better, worse, AgreementRules{});
  EXPECT_EQ(ahead.verdict, Verdict::kAhead);
  EXPECT_EQ(agreement_words(ahead), "ahead by 6.6 to 7.9 %");  // 1 - 1 / 1.0712, 1 - 1 / 1.0855
}

TEST(Agreement, WithAPublishedNumber) {
  // scipy.stats.ttest_1samp([0.923, 0.925, 0.921], 0.934); 90 % interval -0.0144 to -0.0076
  const Values ours{0.923, 0.925, 0.921};
  const Agreement agreement = compare_with_number(ours, 0.934, accuracy_rules(0.005));
  EXPECT_NEAR(agreement.low, 0.9196282910783059 - 0.934, 1e-10);
  EXPECT_NEAR(agreement.high, 0.9263717089216942 - 0.934, 1e-10);
  EXPECT_NEAR(agreement.p_difference, 0.01084042860520189, 1e-10);
  EXPECT_EQ(agreement_sentence(agreement, "Ours", "the paper"),
            "Ours is behind the paper by 0.8 to 1.4 points (90 % interval; p = 0.011; 3 seeds "
            "against one number).");
  EXPECT_EQ(compare_with_number(ours, 0.934, accuracy_rules(0.02)).verdict, Verdict::kEquivalent);
  EXPECT_EQ(compare_with_number(Values{0.9}, 0.934, accuracy_rules(0.02)).verdict,
            Verdict::kOneSeed);
}

TEST(Agreement, SmallNumbersKeepTwoDigits) {
  // d = 0.0002, s^2 = 2e-10, so se = sqrt(2e-10), df = 2: half = 2.919986 se = 4.13e-5
  const Agreement agreement =
      compare_seeds(Values{0.50020, 0.50022}, Values{0.5, 0.50002}, accuracy_rules(0.0001));
  EXPECT_EQ(agreement_words(agreement), "ahead by 0.016 to 0.024 points");
}

TEST(Agreement, OneSeedGivesNoStatement) {
  const Agreement agreement = compare_seeds(Values{3.3}, Values{3.0, 3.0}, AgreementRules{});
  EXPECT_EQ(agreement.verdict, Verdict::kOneSeed);
  EXPECT_NEAR(agreement.effect, 0.1, 1e-12);
  EXPECT_TRUE(std::isnan(agreement.low));
  EXPECT_EQ(agreement_words(agreement), "one seed: no statement");
  EXPECT_EQ(agreement_sentence(agreement, "A", "B"),
            "A against B: no statement from one seed (1 and 2 seeds); the difference is +10.0 %.");
}

TEST(Agreement, SaysWhatIsNotMeasured) {
  const Values some{3.0, 3.1};
  const auto sentence = [](const Values& a, const Values& b) {
    return agreement_sentence(compare_seeds(a, b, AgreementRules{}), "A", "B");
  };
  EXPECT_EQ(sentence({}, some), "A is not measured.");
  EXPECT_EQ(sentence(some, {}), "B is not measured.");
  EXPECT_EQ(sentence({}, {}), "Neither A nor B is measured.");
  EXPECT_EQ(agreement_words(compare_seeds({}, some, AgreementRules{})), "not measured");
}

TEST(Agreement, SeedsThatAllAgreeHaveAnIntervalWithoutWidth) {
  const AgreementRules rules = accuracy_rules(0.1);
  const Agreement same = compare_seeds(Values{0.5, 0.5}, Values{0.5, 0.5}, rules);
  EXPECT_EQ(same.verdict, Verdict::kEquivalent);
  EXPECT_EQ(same.low, 0.0);
  EXPECT_EQ(same.p_difference, 1.0);
  const Agreement apart = compare_seeds(Values{0.75, 0.75}, Values{0.5, 0.5}, rules);
  EXPECT_EQ(apart.verdict, Verdict::kAhead);
  EXPECT_EQ(agreement_words(apart), "ahead by 25.0 to 25.0 points");
}

TEST(Agreement, RefusesWhatCannotBeCompared) {
  const double infinity = std::numeric_limits<double>::infinity();
  const auto message = [](const Values& a, const AgreementRules& rules) {
    return message_of<RunError>([&] { compare_seeds(a, Values{1.0, 2.0}, rules); });
  };
  EXPECT_THAT(message({1.0, infinity}, AgreementRules{}), HasSubstr("inf is not a positive"));
  EXPECT_THAT(message({1.0, 0.0}, AgreementRules{}), HasSubstr("0 is not a positive number"));
  EXPECT_THAT(message({1.0, std::nan("")}, accuracy_rules(1.0)), HasSubstr("diverged"));
  EXPECT_THROW(compare_seeds(Values{}, Values{}, accuracy_rules(0.0)), std::invalid_argument);
  AgreementRules rules;
  rules.alpha = 0.5;
  EXPECT_THROW(compare_seeds(Values{}, Values{}, rules), std::invalid_argument);
}

}  // namespace
}  // namespace linformer
