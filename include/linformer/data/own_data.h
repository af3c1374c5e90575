#pragma once

#include <string>
#include <vector>

#include "linformer/config/finetune_config.h"
#include "linformer/data/task_files.h"

namespace linformer {

/// A user's own labelled files: TSV, CSV or JSON lines (by their names), plain or compressed.
struct OwnData {
  std::vector<std::string> train = {};
  std::vector<std::string> dev = {};
  std::vector<std::string> test = {};
  bool header = true;  ///< false: the columns below are numbers from 0
  std::string text_column = "text";
  std::string pair_column = "";  ///< of the second text; "" = single texts
  std::string label_column = "label";
  std::string id_column = "";  ///< "" = rows are numbered
  TaskKind kind = TaskKind::kClassification;
  /// In the order of the model's outputs. Empty: the labels of the training files, sorted (as
  /// numbers if all are whole numbers).
  std::vector<std::string> labels = {};
  std::vector<Metric> metrics = {};  ///< empty = accuracy, F1 and mcc, or pearson and spearman
  std::string name = "own";
};

/// Whether fine-tuning reads files of the user's own columns, instead of a known task's.
bool is_own_data(const TaskConfig& task);
/// The files and columns that such a configuration names.
OwnData own_data(const TaskConfig& task);

/// The columns of texts and labels in the files; without label_column there is no label.
TableLayout own_layout(const OwnData& data);

/// The task and its files. Reads the labels from the training files if none are given. Throws
/// UsageError for options that contradict each other and for columns that the files do not have,
/// RunError for labels that they do not have.
TaskFiles own_task(const OwnData& data);

}  // namespace linformer
