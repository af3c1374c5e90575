#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "linformer/config/finetune_recipe.h"
#include "linformer/config/metric.h"
#include "linformer/data/table_reader.h"

namespace linformer {

enum class TaskKind { kClassification, kRegression };

/// The columns of the texts and the label of an example in a file.
struct TableLayout {
  TableOptions table;
  Column a{"text"};
  std::optional<Column> b = {};      ///< the second text of a pair
  std::optional<Column> label = {};  ///< may be absent from the file
  std::optional<Column> id = {};     ///< may be absent; examples are then numbered from 0
  bool format_by_name = false;       ///< if true, table.format follows from each file's name
};

struct TaskLabel {
  std::string name;                         ///< as GLUE's submission files write it
  std::vector<std::string> spellings = {};  ///< further spellings in files
};

enum class SplitRole { kTrain, kDev, kTest };

/// Names that a split's file may have. All files of one choice that exist belong together.
struct FileChoice {
  /// Without .zst and .gz. "train/" is a folder with one folder per label, and one text per file
  /// (read_labelled_examples).
  std::vector<std::string> names;
  TableLayout layout;
  bool is_part = false;  ///< less than the published split
};

struct SplitSpec {
  std::string name;  ///< "train", "dev", "test"; "dev_matched" and so on for MNLI
  SplitRole role = SplitRole::kTrain;
  std::vector<FileChoice> choices;   ///< the first one that exists is used
  std::string submission_file = {};  ///< for GLUE's server; "" = none
  int64_t submission_rows = 0;       ///< number of rows that the server expects
};

/// The development data of a task without a dev split.
enum class DevSource { kFile, kHeldOut, kFolds };

/// A task: the layout of its files, its labels, its metrics, and how it is fine-tuned.
struct TaskSpec {
  std::string name;   ///< "sst-2"
  std::string title;  ///< "SST-2"
  TaskKind kind = TaskKind::kClassification;
  std::vector<TaskLabel> labels = {};  ///< in the order of the model's outputs
  double min_score = 0.0;              ///< range of the scores of a regression
  double max_score = 0.0;
  std::vector<Metric> metrics = {};  ///< the first one decides
  std::vector<std::string> folders = {};
  std::vector<SplitSpec> splits = {};
  DevSource dev_source = DevSource::kFile;
  bool in_glue = false;         ///< counts in GLUE's average
  std::string trained_on = {};  ///< the task whose models it evaluates ("mnli" for ax); "" = itself
  FinetuneRecipe recipe = {};
  bool starts_from_mnli = false;  ///< with --from-mnli

  bool is_pair() const;
  int64_t num_outputs() const {
    return kind == TaskKind::kRegression ? 1 : static_cast<int64_t>(labels.size());
  }
  std::vector<std::string> label_names() const;
  const SplitSpec& split(const std::string& split_name) const;
};

/// GLUE's in its order, then others. A known task is entered here and nowhere else.
const std::vector<TaskSpec>& known_tasks();

/// Names of known tasks: all, or those that pass.
std::vector<std::string> known_task_names(
    const std::function<bool(const TaskSpec&)>& passes = nullptr);
/// The same as a list for messages: "cola, sst-2".
std::string task_names(const std::function<bool(const TaskSpec&)>& passes = nullptr);

/// The recipe of the known task of this name, as find_task() takes it; else FinetuneRecipe's
/// defaults.
FinetuneRecipe recipe_of_task(const std::string& name);

/// The registry's spelling of a known task ("SST2" is "sst-2"); another name as it is.
std::string spelled_task(const std::string& name);

/// The task of this name, in any case ("SST2", "sst_2" and "STSB" too). Throws UsageError that
/// lists all names.
const TaskSpec& find_task(const std::string& name);

}  // namespace linformer
