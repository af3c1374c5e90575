#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "linformer/config/resume_rules.h"

namespace linformer {

/// A loss in nats over runs of several seeds, and the range in which another seed is expected.
struct ExpectedRange {
  double mean = 0.0, stddev = 0.0;
  double low = 0.0, high = 0.0;

  bool operator==(const ExpectedRange&) const = default;
};

struct ExpectedPoint {
  int64_t step = 0;
  int64_t tokens = 0;        ///< read until then, the mean over the seeds
  ExpectedRange valid_loss;  ///< held-out; its perplexity is exp() of it
  ExpectedRange train_loss;  ///< mean over the steps since the point before

  bool operator==(const ExpectedPoint&) const = default;
};

/// What a pre-training configuration is expected to reach: configs/expected/NAME.yaml.
struct ExpectedCurve {
  std::string path;           ///< of the file; "" before it is written
  std::string configuration;  ///< its name
  std::vector<std::string> seeds;
  std::string machine, version, date;  ///< of the last of the runs
  /// Fingerprints of the tokens that were learned from and measured on, in hexadecimal digits.
  std::string train_data, valid_data;
  Settings settings;                  ///< what all runs had in common and a run has to share
  std::vector<ExpectedPoint> points;  ///< by steps, at least one

  bool operator==(const ExpectedCurve&) const = default;
};

/// Reads one file. Throws UsageError with file, line and column for unknown keys, missing ones and
/// wrong values.
ExpectedCurve read_expected_file(const std::string& path);

/// The text of such a file.
std::string to_yaml(const ExpectedCurve& curve);

}  // namespace linformer
