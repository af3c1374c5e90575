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
  int64_t num_rows = 0;             ///< rows that the server expects
  std::vector<std::string> labels;  ///< accepted; empty: a number in [min_score, max_score]
  double min_score = 0.0;
  double max_score = 0.0;

  bool filled = false;
  std::vector<std::string> predictions;  ///< in the order of the test set
  std::string source;                    ///< origin of the predictions, for messages
};

struct SubmissionOptions {
  /// If set, incomplete submissions are written: sheets may be missing or have another number of
  /// rows.
  bool allow_partial = false;
};

/// The result of write_submission().
struct SubmissionSummary {
  std::vector<std::string> files;
  std::vector<std::string> missing;   ///< sheets without predictions (allow_partial)
  std::vector<std::string> problems;  ///< sheets with another number of rows, a line each
};

/// The content of a sheet: `index` and `prediction`; numbers are clipped to the range and have
/// three decimals. Throws RunError for a label that the server does not accept, or for text that is
/// not a number.
std::string submission_text(const SubmissionSheet& sheet);

/// Writes all sheets as one zip archive, as a whole or not at all. The same predictions give the
/// same bytes. Unless options.allow_partial is set, throws RunError that lists every sheet that is
/// missing or does not have the number of rows that the server expects.
SubmissionSummary write_submission(const std::string& path,
                                   const std::vector<SubmissionSheet>& sheets,
                                   const SubmissionOptions& options = {});

}  // namespace linformer
