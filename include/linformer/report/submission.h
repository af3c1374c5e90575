#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace linformer {

/// One file of a leaderboard: a line for each row of a test set.
struct SubmissionSheet {
  std::string file;                 ///< "SST-2.tsv"
  std::string task;                 ///< "sst-2"
  std::string split;                ///< "test"
  int64_t num_rows = 0;             ///< that the server expects
  std::vector<std::string> labels;  ///< that it takes; none = a number in [min_score, max_score]
  double min_score = 0.0;
  double max_score = 0.0;

  bool filled = false;
  std::vector<std::string> predictions;  ///< in the order of the test set
  std::string source;                    ///< where they come from, for messages
};

struct SubmissionOptions {
  /// Writes what there is where sheets are missing or have another number of rows.
  bool allow_partial = false;
};

/// What was written.
struct SubmissionSummary {
  std::vector<std::string> files;
  std::vector<std::string> missing;   ///< sheets without predictions (allow_partial)
  std::vector<std::string> problems;  ///< of sheets with another number of rows, a line each
};

/// The content of a sheet: `index` and `prediction`, numbers clipped to the range, with three
/// decimals. Throws RunError for a label that the server does not take, or no number.
std::string submission_text(const SubmissionSheet& sheet);

/// Writes all sheets as one zip archive, whole or not at all; the same predictions give the same
/// bytes. Throws RunError that lists every sheet that is missing or has not the number of rows that
/// the server expects, unless options.allow_partial.
SubmissionSummary write_submission(const std::string& path,
                                   const std::vector<SubmissionSheet>& sheets,
                                   const SubmissionOptions& options = {});

}  // namespace linformer
