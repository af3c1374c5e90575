#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "linformer/config/expected_file.h"
#include "linformer/report/run_folder.h"

namespace linformer {

/// A value of a run beside what was expected.
struct BandCheck {
  enum class Place { kInside, kAbove, kBelow };

  std::string what;  ///< "held-out loss" or "training loss"
  int64_t step = 0;
  double value = 0.0, low = 0.0, high = 0.0;  ///< nats
  Place place = Place::kInside;

  /// "step 600: held-out loss 3.912 is above the expected 3.42 to 3.6 (perplexity 50, expected 30.6
  /// to 36.6)"
  std::string text() const;
};

/// The expected values of a configuration, from its runs with several seeds. At each step at which
/// all runs evaluated, and for each loss: mean m and standard deviation s over the r runs; a run of
/// another seed lies within
///
///   m - t s sqrt(1 + 1/r)  to  m + t s sqrt(1 + 1/r)
///
/// with probability 99 %, where t is the 99.5 % quantile of Student's t with r - 1 degrees of
/// freedom (a prediction interval for normal values).
///
/// Runs may have been stopped: the curve then ends at the last evaluation that all of them have.
///
/// Throws UsageError for fewer than three runs, runs that are going on or have failed, that were
/// evaluated nowhere together, two of one seed, or runs that differ in anything but the seed and
/// what expected_settings() leaves out.
ExpectedCurve expected_curve(const std::vector<RunFolder>& runs, const std::string& configuration);

/// Of the settings of a checkpoint, those that a comparable run has to share: not the seed, and not
/// how numbers are rounded.
Settings expected_settings(const Settings& settings);

/// Why a run does not compare with the expectation, e.g. "model.hidden_size is 64, in the file
/// 128"; "" if it does. Settings that only one of the two knows do not count.
std::string why_not_comparable(const ExpectedCurve& expected, const Settings& settings,
                               const std::string& train_data, const std::string& valid_data);

/// The losses of a run so far, after `after_step`, beside the expected ones: every evaluation
/// (between two points of the file, in tokens, the band is interpolated), and the mean training
/// loss at every point of the file. Outside the file's range of tokens nothing is compared.
std::vector<BandCheck> check_band(const ExpectedCurve& expected, const RunFolder& run,
                                  int64_t after_step = 0);

/// "inside the expected band at all 12 comparisons", or how many are outside, and the first one.
std::string band_verdict(const std::vector<BandCheck>& checks);

}  // namespace linformer
