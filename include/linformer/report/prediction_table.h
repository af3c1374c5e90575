#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace linformer {

/// Predictions for the rows of a file, as a table for people and programs. The columns are `line`,
/// `id`, `label`, `prediction` and, for a classification, `p(LABEL)` for each label.
struct PredictionTable {
  struct Row {
    int64_t line = 0;  ///< in the file that was read
    std::string id;
    std::string label;                  ///< "" = the file has none
    std::string prediction;             ///< a label, or a number
    std::vector<double> probabilities;  ///< of each label
  };

  std::vector<std::string> labels;  ///< in the order of the probabilities; empty for a regression
  std::vector<Row> rows;

  /// Tab-separated; tabs and line ends in ids become blanks.
  std::string text() const;
  /// Reads the output of text(), without probabilities. Throws RunError that names the line.
  static PredictionTable read(const std::string& path);

  /// Class indices or numbers, for metrics. Throws RunError for a label that `labels` does not
  /// have.
  std::vector<double> predictions() const;
  /// The same for labels; empty if no row has one.
  std::vector<double> targets() const;

 private:
  double value_of(const std::string& field) const;
};

}  // namespace linformer
