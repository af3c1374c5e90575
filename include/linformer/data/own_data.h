#pragma once

#include <string>
#include <vector>

#include "linformer/data/task_files.h"

namespace linformer {

/// Labelled files of a user's own: TSV, CSV or JSON lines (by their names), plain or compressed.
struct OwnData {
  std::vector<std::string> train = {};
  std::vector<std::string> dev = {};
  std::vector<std::string> test = {};
  bool header = true;  ///< without, the columns below are numbers from 0
  std::string text_column = "text";
  std::string pair_column = "";  ///< of the second text; "" = single texts
  std::string label_column = "label";
  std::string id_column = "";  ///< "" = rows are numbered
  TaskKind kind = TaskKind::kClassification;
  /// In the order of the model's outputs; empty = those of the training files, sorted (as numbers
  /// if all are whole numbers).
  std::vector<std::string> labels = {};
  std::vector<Metric> metrics = {};  ///< empty = accuracy, F1 and mcc, or pearson and spearman
  std::string name = "own";
};

/// Where texts and labels stand in the files; without label_column there is no label.
TableLayout own_layout(const OwnData& data);

/// The task and its files. Reads the labels of the training files if none are given; throws
/// UsageError for what contradicts itself, RunError for what the files have not.
TaskFiles own_task(const OwnData& data);

}  // namespace linformer
