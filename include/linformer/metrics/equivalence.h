#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace linformer {

// Statements about two models that are computed from values over seeds, and worded here, so that no
// report words them by hand.

/// A mean and its interval by Student's t: mean +- t(n - 1) s / sqrt(n).
struct MeanInterval {
  double mean = 0.0;
  double low = 0.0;   ///< NaN for fewer than two values
  double high = 0.0;  ///< ditto
  int64_t num_values = 0;
};

/// `values` have to be finite. The mean is NaN without values.
MeanInterval mean_interval(std::span<const double> values, double confidence = 0.95);

enum class EffectScale {
  kRatio,      ///< geometric mean of a / that of b - 1, e.g. of perplexities; worded in percent
  kDifference  ///< mean of a - mean of b, e.g. of accuracies; worded in `unit`
};

/// Which values are better.
enum class BetterValue { kLower, kHigher };

struct AgreementRules {
  EffectScale scale = EffectScale::kRatio;
  BetterValue better = BetterValue::kLower;
  /// Effects smaller than this do not matter. Ratio: 0.03 takes ratios from 1 / 1.03 to 1.03 as
  /// equivalent. Difference: in units of the values. Has to be stated before the values are seen.
  double margin = 0.03;
  /// The chance of a wrong "equivalent", and that of a wrong "ahead or behind".
  double alpha = 0.05;
  /// For the wording of differences: values are multiplied by the factor, e.g. 100 and "points" for
  /// accuracies in [0, 1].
  double unit_factor = 1.0;
  std::string unit = {};
};

enum class Verdict {
  kEquivalent,    ///< the interval lies within the margin; also if the effect is not 0
  kAhead,         ///< a is better than b
  kBehind,        ///< a is worse than b
  kInconclusive,  ///< too few seeds or too wide a spread
  kOneSeed,       ///< a side has one seed, so its spread is unknown: no statement
  kNotMeasured    ///< a side has no values
};

/// a compared with b. All numbers are NaN for kNotMeasured; for kOneSeed all but `effect` are.
struct Agreement {
  Verdict verdict = Verdict::kNotMeasured;
  double effect = 0.0;           ///< on the scale of the rules: -0.02 = a is 2 % lower
  double low = 0.0, high = 0.0;  ///< its interval with confidence 1 - 2 alpha
  double p_equivalence = 0.0;    ///< the larger one of the two one-sided tests
  double p_difference = 0.0;     ///< two-sided, that the effect is 0
  int64_t num_a = 0, num_b = 0;  ///< values
  bool fixed_b = false;          ///< b is one given number, not values over seeds
  bool paired = false;           ///< compare_pairs()
  AgreementRules rules = {};
};

/// Two one-sided tests (Schuirmann 1987) and a two-sided test, on logarithms for a ratio, with
/// Welch's standard error and degrees of freedom (Welch 1947):
///   se^2 = s_a^2 / n_a + s_b^2 / n_b
///   df = se^4 / ((s_a^2 / n_a)^2 / (n_a - 1) + (s_b^2 / n_b)^2 / (n_b - 1))
/// kEquivalent if p_equivalence < alpha, that is, if the interval lies within the margin; otherwise
/// kAhead or kBehind if p_difference < alpha; otherwise kInconclusive. Seeds that all agree
/// (se = 0) give an interval without width. Throws RunError for a value that is not finite, or not
/// positive for a ratio, and std::invalid_argument unless 0 < margin and 0 < alpha < 0.5.
Agreement compare_seeds(std::span<const double> values_a, std::span<const double> values_b,
                        const AgreementRules& rules);

/// The same for values in pairs, a[i] and b[i] of one seed. The difference of each pair is tested
/// (logarithms for a ratio), with df = n - 1. Use it where a seed means the same for both, such as
/// the same order of the data: what a seed does to both models alike then does not count as spread.
/// Throws std::invalid_argument as well if the numbers of values differ.
Agreement compare_pairs(std::span<const double> values_a, std::span<const double> values_b,
                        const AgreementRules& rules);

/// The same with a published number as b: its own spread is unknown and taken as 0, so the
/// statement is about the number and not about the model behind it. df = n_a - 1.
Agreement compare_with_number(std::span<const double> values_a, double number_b,
                              const AgreementRules& rules);

/// A few words for a badge: "equivalent within 3 %", "behind by 7.1 to 8.0 %", "ahead by 0.4 to 0.9
/// points", "inconclusive: -2.1 to +5.0 %", "one seed: no statement", "not measured".
std::string agreement_words(const Agreement& agreement);

/// One sentence with the interval, p and the numbers of seeds: "Linformer is equivalent to BERT
/// within 3 %: the difference is -0.4 % (90 % interval -1.2 to +0.4 %; p = 0.002; 3 and 3 seeds)."
std::string agreement_sentence(const Agreement& agreement, const std::string& name_a,
                               const std::string& name_b);

}  // namespace linformer
