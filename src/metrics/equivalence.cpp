#include "linformer/metrics/equivalence.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/metrics/statistics.h"
#include "linformer/metrics/student_t.h"

namespace linformer {

namespace {

/// An effect from which on a ratio is worded in times.
constexpr double kLargeEffect = 1.0;
constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

bool is_ratio(const AgreementRules& rules) {
  return rules.scale == EffectScale::kRatio;
}

/// The values on the scale on which they are compared.
std::vector<double> compared_values(std::span<const double> values, const AgreementRules& rules) {
  std::vector<double> compared;
  for (const double value : values) {
    if (!std::isfinite(value) || (is_ratio(rules) && value <= 0.0)) {
      fail_run("comparison of seeds",
               format_number(value) +
                   (is_ratio(rules) ? " is not a positive number" : " is not a finite number"),
               "leave out runs that diverged, and say how many they are");
    }
    compared.push_back(is_ratio(rules) ? std::log(value) : value);
  }
  return compared;
}

/// Back from the scale of the comparison: exp(x) - 1 for a ratio.
double effect_of(double compared, const AgreementRules& rules) {
  return is_ratio(rules) ? std::expm1(compared) : compared;
}

/// s^2 / n, the square of the mean's standard error.
double squared_error(const std::vector<double>& values) {
  const double deviation = sample_stddev(values);
  return deviation * deviation / static_cast<double>(values.size());
}

struct Spread {
  double error = 0.0;    ///< standard error of the difference
  double degrees = 0.0;  ///< of freedom; NaN if the error is 0
};

Spread welch_spread(const std::vector<double>& a, const std::vector<double>& b) {
  const double error_a = squared_error(a), error_b = squared_error(b);
  const double sum = error_a + error_b;
  return {std::sqrt(sum), sum * sum /
                              (error_a * error_a / static_cast<double>(a.size() - 1) +
                               error_b * error_b / static_cast<double>(b.size() - 1))};
}

Spread spread_of(const std::vector<double>& values) {
  return {std::sqrt(squared_error(values)), static_cast<double>(values.size() - 1)};
}

/// P(T >= distance / error).
double upper_tail(double distance, const Spread& spread) {
  if (spread.error > 0.0) return student_t_cdf(-distance / spread.error, spread.degrees);
  if (distance == 0.0) return 0.5;
  return distance > 0.0 ? 0.0 : 1.0;
}

void judge(double difference, const Spread& spread, Agreement& agreement) {
  const AgreementRules& rules = agreement.rules;
  const double margin = is_ratio(rules) ? std::log1p(rules.margin) : rules.margin;
  const double half = spread.error > 0.0
                          ? spread.error * student_t_quantile(1.0 - rules.alpha, spread.degrees)
                          : 0.0;
  agreement.low = effect_of(difference - half, rules);
  agreement.high = effect_of(difference + half, rules);
  agreement.p_equivalence = upper_tail(margin - std::abs(difference), spread);
  agreement.p_difference = 2.0 * upper_tail(std::abs(difference), spread);
  if (agreement.p_equivalence < rules.alpha) {
    agreement.verdict = Verdict::kEquivalent;
  } else if (agreement.p_difference < rules.alpha) {
    const bool better = (difference < 0.0) == (rules.better == BetterValue::kLower);
    agreement.verdict = better ? Verdict::kAhead : Verdict::kBehind;
  } else {
    agreement.verdict = Verdict::kInconclusive;
  }
}

Agreement without_statement(const AgreementRules& rules) {
  if (!(rules.margin > 0.0)) throw std::invalid_argument("a margin has to be above 0");
  if (!(rules.alpha > 0.0 && rules.alpha < 0.5))
    throw std::invalid_argument("alpha has to be between 0 and 0.5");
  Agreement agreement;
  agreement.rules = rules;
  agreement.effect = agreement.low = agreement.high = kUndefined;
  agreement.p_equivalence = agreement.p_difference = kUndefined;
  return agreement;
}

// ---- wording ------------------------------------------------------------------------------------

std::string unit_of(const AgreementRules& rules) {
  if (is_ratio(rules)) return " %";
  return rules.unit.empty() ? "" : " " + rules.unit;
}

double shown(double effect, const AgreementRules& rules) {
  return effect * (is_ratio(rules) ? 100.0 : rules.unit_factor);
}

/// One decimal, and more where all numbers of the agreement are small.
int decimals_of(const Agreement& agreement) {
  double largest = 0.0;
  for (const double effect : {agreement.effect, agreement.low, agreement.high}) {
    if (std::isfinite(effect)) largest = std::max(largest, std::abs(effect));
  }
  largest = shown(largest, agreement.rules);
  if (largest >= 1.0) return 1;
  return largest >= 0.1 ? 2 : 3;
}

std::string with_sign(double value, int decimals) {
  std::string text = format_fixed(value, decimals);
  if (std::stod(text) == 0.0) return format_fixed(0.0, decimals);  // no sign for a rounded 0
  return value > 0.0 ? "+" + text : text;
}

std::string effect_words(const Agreement& agreement) {
  return with_sign(shown(agreement.effect, agreement.rules), decimals_of(agreement)) +
         unit_of(agreement.rules);
}

/// "-1.2 to +0.4 %"
std::string signed_interval(const Agreement& agreement) {
  const int decimals = decimals_of(agreement);
  return with_sign(shown(agreement.low, agreement.rules), decimals) + " to " +
         with_sign(shown(agreement.high, agreement.rules), decimals) + unit_of(agreement.rules);
}

/// "7.1 to 8.0 %"
std::string distance(const Agreement& agreement) {
  // "behind: 11.9 to 13.4 times as high" reads better than "by 1089.7 to 1243.9 %".
  if (is_ratio(agreement.rules) && agreement.low >= kLargeEffect) {
    return ": " + format_fixed(1.0 + agreement.low, 1) + " to " +
           format_fixed(1.0 + agreement.high, 1) + " times as high";
  }
  const double low = std::abs(shown(agreement.low, agreement.rules));
  const double high = std::abs(shown(agreement.high, agreement.rules));
  const int decimals = decimals_of(agreement);
  return " by " + format_fixed(std::min(low, high), decimals) + " to " +
         format_fixed(std::max(low, high), decimals) + unit_of(agreement.rules);
}

std::string margin_words(const AgreementRules& rules) {
  return format_number(shown(rules.margin, rules)) + unit_of(rules);
}

std::string p_words(double p) {
  return p < 0.001 ? "p < 0.001" : "p = " + format_fixed(p, 3);
}

std::string confidence_words(const AgreementRules& rules) {
  return format_number(100.0 * (1.0 - 2.0 * rules.alpha)) + " % interval";
}

std::string count_of_seeds(int64_t count) {
  return std::to_string(count) + (count == 1 ? " seed" : " seeds");
}

/// "3 and 5 seeds", "3 pairs of seeds", "3 seeds against one number"
std::string seeds_words(const Agreement& agreement) {
  if (agreement.paired) {
    return std::to_string(agreement.num_a) + (agreement.num_a == 1 ? " pair" : " pairs") +
           " of seeds";
  }
  if (agreement.fixed_b) return count_of_seeds(agreement.num_a) + " against one number";
  return std::to_string(agreement.num_a) + " and " + count_of_seeds(agreement.num_b);
}

std::string not_measured_sentence(const Agreement& agreement, const std::string& name_a,
                                  const std::string& name_b) {
  if (agreement.num_a > 0) return name_b + " is not measured.";
  if (agreement.num_b > 0) return name_a + " is not measured.";
  return "Neither " + name_a + " nor " + name_b + " is measured.";
}

}  // namespace

MeanInterval mean_interval(std::span<const double> values, double confidence) {
  if (!(confidence > 0.0 && confidence < 1.0))
    throw std::invalid_argument("a confidence has to be between 0 and 1");
  MeanInterval interval{mean_of(values), kUndefined, kUndefined,
                        static_cast<int64_t>(values.size())};
  if (values.size() < 2) return interval;
  const double degrees = static_cast<double>(values.size() - 1);
  const double half = student_t_quantile(0.5 + 0.5 * confidence, degrees) * sample_stddev(values) /
                      std::sqrt(static_cast<double>(values.size()));
  interval.low = interval.mean - half;
  interval.high = interval.mean + half;
  return interval;
}

Agreement compare_seeds(std::span<const double> values_a, std::span<const double> values_b,
                        const AgreementRules& rules) {
  Agreement agreement = without_statement(rules);
  agreement.num_a = static_cast<int64_t>(values_a.size());
  agreement.num_b = static_cast<int64_t>(values_b.size());
  const std::vector<double> a = compared_values(values_a, rules);
  const std::vector<double> b = compared_values(values_b, rules);
  if (a.empty() || b.empty()) return agreement;
  const double difference = mean_of(a) - mean_of(b);
  agreement.effect = effect_of(difference, rules);
  agreement.verdict = Verdict::kOneSeed;
  if (a.size() > 1 && b.size() > 1) judge(difference, welch_spread(a, b), agreement);
  return agreement;
}

Agreement compare_pairs(std::span<const double> values_a, std::span<const double> values_b,
                        const AgreementRules& rules) {
  if (values_a.size() != values_b.size()) {
    throw std::invalid_argument("pairs need as many values of a as of b");
  }
  Agreement agreement = without_statement(rules);
  agreement.paired = true;
  agreement.num_a = agreement.num_b = static_cast<int64_t>(values_a.size());
  const std::vector<double> a = compared_values(values_a, rules);
  const std::vector<double> b = compared_values(values_b, rules);
  if (a.empty()) return agreement;
  std::vector<double> differences;
  for (size_t i = 0; i < a.size(); ++i) differences.push_back(a[i] - b[i]);
  const double difference = mean_of(differences);
  agreement.effect = effect_of(difference, rules);
  if (differences.size() < 2) {
    agreement.verdict = Verdict::kOneSeed;
    return agreement;
  }
  judge(difference, spread_of(differences), agreement);
  return agreement;
}

Agreement compare_with_number(std::span<const double> values_a, double number_b,
                              const AgreementRules& rules) {
  Agreement agreement = without_statement(rules);
  agreement.num_a = static_cast<int64_t>(values_a.size());
  agreement.num_b = 1;
  agreement.fixed_b = true;
  const std::vector<double> a = compared_values(values_a, rules);
  const std::vector<double> b = compared_values({&number_b, 1}, rules);
  if (a.empty()) return agreement;
  const double difference = mean_of(a) - b.front();
  agreement.effect = effect_of(difference, rules);
  agreement.verdict = Verdict::kOneSeed;
  if (a.size() > 1) judge(difference, spread_of(a), agreement);
  return agreement;
}

std::string agreement_words(const Agreement& agreement) {
  switch (agreement.verdict) {
    case Verdict::kEquivalent:
      return "equivalent within " + margin_words(agreement.rules);
    case Verdict::kAhead:
      return "ahead" + distance(agreement);
    case Verdict::kBehind:
      return "behind" + distance(agreement);
    case Verdict::kInconclusive:
      return "inconclusive: " + signed_interval(agreement);
    case Verdict::kOneSeed:
      return "one seed: no statement";
    case Verdict::kNotMeasured:
      break;
  }
  return "not measured";
}

std::string agreement_sentence(const Agreement& agreement, const std::string& name_a,
                               const std::string& name_b) {
  const std::string confidence = confidence_words(agreement.rules);
  const std::string seeds = seeds_words(agreement);
  switch (agreement.verdict) {
    case Verdict::kEquivalent:
      return name_a + " is equivalent to " + name_b + " within " + margin_words(agreement.rules) +
             ": the difference is " + effect_words(agreement) + " (" + confidence + " " +
             signed_interval(agreement) + "; " + p_words(agreement.p_equivalence) + "; " + seeds +
             ").";
    case Verdict::kAhead:
    case Verdict::kBehind:
      return name_a + (agreement.verdict == Verdict::kAhead ? " is ahead of " : " is behind ") +
             name_b + distance(agreement) + " (" + confidence + "; " +
             p_words(agreement.p_difference) + "; " + seeds + ").";
    case Verdict::kInconclusive:
      return name_a + " and " + name_b + " are shown neither to be equivalent within " +
             margin_words(agreement.rules) + " nor to differ: the difference is " +
             effect_words(agreement) + " (" + confidence + " " + signed_interval(agreement) + "; " +
             seeds + ").";
    case Verdict::kOneSeed:
      return name_a + " against " + name_b + ": no statement from one seed (" + seeds +
             "); the difference is " + effect_words(agreement) + ".";
    case Verdict::kNotMeasured:
      break;
  }
  return not_measured_sentence(agreement, name_a, name_b);
}

}  // namespace linformer
