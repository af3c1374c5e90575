#include "linformer/data/finetune_rows.h"

#include <algorithm>

#include "linformer/config/setting_names.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/log.h"
#include "linformer/data/label_text.h"
#include "linformer/data/own_data.h"
#include "linformer/data/row_split.h"
#include "linformer/data/task_files.h"

namespace linformer {
namespace {

TaskFiles own_files(const TaskConfig& task) {
  if (task.text_column.empty() || task.label_column.empty()) {
    fail_usage(task.text_column.empty() ? "task.text_column" : "task.label_column",
               "is not set, the other one is", "name both columns of your files");
  }
  return own_task(own_data(task));
}

/// Files that the configuration names for a known task. They have the task's own layout.
void replace_split(TaskFiles& files, SplitRole role, const std::vector<std::string>& paths) {
  if (paths.empty()) return;
  std::erase_if(files.splits, [&](const SplitFiles& split) { return split.role == role; });
  for (const SplitSpec& spec : files.task.splits) {
    if (spec.role != role) continue;
    files.splits.push_back({spec.name, role, paths, spec.choices.front().layout, false});
    return;
  }
  const SplitSpec& first = files.task.splits.front();
  files.splits.push_back({"given", role, paths, first.choices.front().layout, false});
}

TaskFiles files_of(const TaskConfig& task) {
  if (is_own_data(task)) return own_files(task);
  const TaskSpec& spec = find_task(task.name);
  if (!spec.trained_on.empty()) {
    fail_usage(setting_name("task.name"),
               spec.name + " has no training data, it measures models of " + spec.trained_on,
               "fine-tune on " + spec.trained_on + ", which measures " + spec.name +
                   " as well if its files are beside it");
  }
  TaskFiles files = task.data.empty() ? TaskFiles{"", spec, {}} : find_task_files(spec, task.data);
  replace_split(files, SplitRole::kTrain, task.train);
  replace_split(files, SplitRole::kDev, task.valid);
  if (task.has_test()) replace_split(files, SplitRole::kTest, task.test);
  return files;
}

/// Logs what the reader left out.
std::vector<LabelledExample> read_rows(const SplitFiles& files, const TaskSpec& task,
                                       const ReadOptions& options) {
  LabelledExamples examples = read_labelled_examples(files, task, options);
  for (const std::string& remark : examples.remarks()) log_warning(remark);
  return std::move(examples.rows);
}

ExampleSet read_set(const SplitFiles& split, const TaskSpec& task, const ReadOptions& options) {
  return {split.name, task.name, read_rows(split, task, options), split.is_part};
}

/// For sets to be predicted: labels are optional, and every row needs a prediction.
constexpr ReadOptions kEveryRow{.labels_required = false, .max_bad_share = 0.0, .free_bad_rows = 0};

/// The diagnostics for models of this task, if they lie beside it.
void add_diagnostics(const TaskConfig& config, FinetuneRows& rows) {
  if (config.data.empty() || !config.test.empty()) return;
  for (const TaskSpec& spec : known_tasks()) {
    if (spec.trained_on != rows.task.name) continue;
    const std::optional<TaskFiles> files = [&]() -> std::optional<TaskFiles> {
      try {
        return find_task_files(spec, config.data);
      } catch (const Error&) {
        log_info(spec.name + " is not measured: it was not found in " + config.data);
        return std::nullopt;
      }
    }();
    if (!files) continue;
    for (const SplitFiles& split : files->splits) {
      rows.test.push_back(read_set(split, spec, kEveryRow));
      rows.test.back().name = spec.name;
    }
  }
}

/// Moves the held-out rows out of train.
void split_train(const TaskConfig& config, FinetuneRows& rows) {
  const auto seed = static_cast<uint64_t>(config.split_seed);
  const std::vector<LabelledExample> all = std::move(rows.train);
  const RowSplit split = config.folds > 0
                             ? fold_split(fold_numbers(all, config.folds, seed), config.fold)
                             : hold_out(all, config.valid_share, seed);
  const std::string name = config.folds > 0 ? "fold " + std::to_string(config.fold) + " of " +
                                                  std::to_string(config.folds)
                                            : "held out of train";
  rows.train = examples_at(all, split.kept);
  rows.valid.push_back({name, rows.task.name, examples_at(all, split.held_out), false});
}

/// Keeps task.max_train_rows of the training rows.
void shorten_train(const TaskConfig& config, FinetuneRows& rows) {
  const auto size = static_cast<int64_t>(rows.train.size());
  if (config.max_train_rows == 0 || config.max_train_rows >= size) return;
  const auto seed = static_cast<uint64_t>(config.split_seed);
  rows.train = examples_at(rows.train, draw_rows(rows.train, config.max_train_rows, seed));
  rows.train_is_part = true;
}

/// Refuses training rows with a single label: the model would silently learn to always predict it.
void require_several_labels(const TaskConfig& config, const FinetuneRows& rows) {
  if (rows.task.kind == TaskKind::kRegression || rows.train.empty()) return;
  const float first = rows.train.front().target;
  const bool differ = std::any_of(rows.train.begin(), rows.train.end(),
                                  [&](const LabelledExample& row) { return row.target != first; });
  if (differ) return;
  fail_run(config.train.empty() ? config.data : config.train.front(),
           "all " + format_count(rows.train.size()) + " rows to learn from have the label " +
               rows.task.label_names().at(static_cast<size_t>(first)),
           rows.train_is_part && config.max_train_rows > 0
               ? "raise task.max_train_rows; it leaves no row of another label"
               : "give rows of other labels too; is the data set whole?");
}

/// The file to learn from. Throws UsageError if there is none.
const SplitFiles& train_split(const TaskFiles& files) {
  const std::vector<const SplitFiles*> train = files.of_role(SplitRole::kTrain);
  return train.empty() ? files.split("train") : *train.front();
}

void describe_rows(const std::string& name, const std::vector<LabelledExample>& rows,
                   bool is_part) {
  log_info(name + ": " + format_count(rows.size(), "row") +
           (is_part ? ", a part of the published set" : ""));
}

}  // namespace

std::vector<float> ExampleSet::targets() const {
  std::vector<float> result;
  if (examples.empty() || !examples.front().has_target()) return result;
  for (const LabelledExample& example : examples) result.push_back(example.target);
  return result;
}

void check_finetune_files(const TaskConfig& config) {
  train_split(files_of(config));
}

FinetuneRows read_finetune_rows(const TaskConfig& config) {
  const TaskFiles files = files_of(config);
  ReadOptions reading;
  reading.max_bad_share = config.max_bad_share;
  FinetuneRows rows;
  rows.task = files.task;
  if (is_own_data(config)) {
    for (const std::string& remark : label_remarks(rows.task.label_names())) log_warning(remark);
  }
  const SplitFiles& train = train_split(files);
  rows.train = read_rows(train, files.task, reading);
  rows.train_is_part = train.is_part;
  const std::vector<const SplitFiles*> dev = files.of_role(SplitRole::kDev);
  if (dev.empty() || config.folds > 0) {
    split_train(config, rows);
  } else {
    for (const SplitFiles* split : dev) rows.valid.push_back(read_set(*split, files.task, reading));
  }
  if (config.has_test()) {
    for (const SplitFiles* split : files.of_role(SplitRole::kTest)) {
      rows.test.push_back(read_set(*split, files.task, kEveryRow));
    }
    add_diagnostics(config, rows);
  }
  shorten_train(config, rows);
  require_several_labels(config, rows);
  describe_rows("train", rows.train, rows.train_is_part);
  for (const std::vector<ExampleSet>* sets : {&rows.valid, &rows.test}) {
    for (const ExampleSet& set : *sets) describe_rows(set.name, set.examples, set.is_part);
  }
  return rows;
}

}  // namespace linformer
