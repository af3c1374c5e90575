#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "linformer/data/task_files.h"
#include "linformer/data/task_registry.h"

namespace linformer {

struct LabelledExample {
  std::string a;
  std::optional<std::string> b;  ///< the second text of a pair
  /// Index of the class, or the score; NaN if the file has no labels.
  float target = std::numeric_limits<float>::quiet_NaN();
  int64_t line = 0;  ///< in its file, from 1
  std::string id;    ///< from the id column, or the number of the row from 0

  bool has_target() const { return target == target; }
};

/// A row that cannot be read.
struct BadRow {
  std::string where;  ///< FILE:LINE
  std::string reason;
};

struct ReadOptions {
  /// If false, labels are read where the files have them.
  bool labels_required = true;
  /// A larger share of bad rows stops the run. A few are always tolerated, since GLUE's QQP has 3:
  /// `free_bad_rows`, but at most a tenth of the rows. Both are 0 for files of which every row
  /// needs a prediction.
  double max_bad_share = 0.001;
  int64_t free_bad_rows = 3;
};

struct LabelledExamples {
  static constexpr size_t kKeptBadRows = 5;

  std::vector<LabelledExample> rows;
  bool has_labels = false;
  int64_t num_bad_rows = 0;
  std::vector<BadRow> bad_rows;  ///< the first kKeptBadRows
  int64_t num_repaired = 0;      ///< malformed UTF-8 sequences that became U+FFFD

  /// Rows of each label, in the order of the labels; empty for a regression or without labels.
  std::vector<int64_t> label_counts(const TaskSpec& task) const;
  std::vector<float> targets() const;
  /// Messages for the log about rows left out and text repaired, a line each; empty if there are
  /// none.
  std::vector<std::string> remarks() const;
};

/// The examples of several files, one after the other. A row is bad if it has a wrong number of
/// fields, an empty text, a label that the task does not have, or a score that is not a number or
/// outside the task's range. Throws RunError with the first bad rows if there are too many, if no
/// row is left, and if only some of the files have labels, and UsageError if a column or a file is
/// missing. A path that is a folder stands for the texts below it, one file (.txt) each, in folders
/// named after the task's labels or their spellings (aclImdb/train/pos/0_9.txt). Their ids are the
/// files' names without ending; their order is that of the labels and then of the names.
LabelledExamples read_labelled_examples(const std::vector<std::string>& paths,
                                        const TableLayout& layout, const TaskSpec& task,
                                        const ReadOptions& options = {});

/// The examples of a split that was found.
LabelledExamples read_labelled_examples(const SplitFiles& files, const TaskSpec& task,
                                        const ReadOptions& options = {});

}  // namespace linformer
