#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "linformer/config/truncation.h"
#include "linformer/data/labelled_examples.h"
#include "linformer/nn/model.h"
#include "linformer/objectives/task_evaluator.h"
#include "linformer/text/tokenizer.h"

namespace linformer {

/// Which output of a model stands for each label of a task, by name, in any case. `names` replace
/// those of config.json where they are given. Throws RunError that names both lists if the model
/// has another head, another number of labels, or other labels.
std::vector<int64_t> match_labels(const TaskSpec& task, const HeadConfig& head,
                                  const std::vector<std::string>& names, const std::string& model);

/// A file of a task.
struct LabelledFile {
  std::string path;
  TableLayout layout;
  bool is_part = false;  ///< less than the published set
};

/// How a task's file of this name is laid out: as the split whose files are called so (dev.tsv,
/// test.tsv.zst), else as the development set.
LabelledFile labelled_file(const TaskSpec& task, const std::string& path);

struct LabelledEvaluationOptions {
  std::vector<int64_t> output_of_label;  ///< match_labels()
  int64_t max_sequence_length = 512;
  Truncation truncation = Truncation::kHead;
  int64_t batch_size = 32;
  int64_t threads = 1;  ///< that encode
  double max_bad_share = 0.001;
  /// Files may come without labels: then every row has to be readable.
  bool labels_required = true;
  std::function<void(int64_t rows, int64_t of)> progress = {};  ///< called after each batch, if set
};

/// How a model does on one file.
struct LabelledEvaluation {
  LabelledFile file;
  LabelledExamples examples;
  int64_t num_truncated = 0;
  TaskOutputs outputs;                   ///< columns in the order of the task's labels
  std::optional<TaskMeasures> measures;  ///< none: the file has no labels, or a signal came
  /// Rows of each label (first index) that got each prediction; empty for a regression.
  std::vector<std::vector<int64_t>> confusion;
};

LabelledEvaluation evaluate_labelled_file(const Model& model, const Tokenizer& tokenizer,
                                          const TaskSpec& task, const LabelledFile& file,
                                          const LabelledEvaluationOptions& options);

}  // namespace linformer
