#include "linformer/data/task_registry.h"

#include <cctype>

#include "linformer/core/error.h"
#include "linformer/core/format.h"

namespace linformer {

namespace {

TableLayout single(Column a, Column label, std::optional<Column> id = std::nullopt) {
  TableLayout layout;
  layout.a = std::move(a);
  layout.label = std::move(label);
  layout.id = std::move(id);
  return layout;
}

TableLayout pair(Column a, Column b, Column label, std::optional<Column> id = Column("index")) {
  TableLayout layout = single(std::move(a), std::move(label), std::move(id));
  layout.b = std::move(b);
  return layout;
}

TableLayout without_header(TableLayout layout, std::vector<int64_t> num_fields) {
  layout.table.header = false;
  layout.table.num_fields = std::move(num_fields);
  return layout;
}

SplitSpec files(const std::string& name, SplitRole role, const TableLayout& layout) {
  // A published split as a whole, or the available part of it, perhaps in several files.
  return {name,
          role,
          {{{name + ".tsv"}, layout, false},
           {{name + ".part.tsv", name + ".part2.tsv"}, layout, true}}};
}

SplitSpec test_files(const std::string& name, const TableLayout& layout,
                     const std::string& submission, int64_t rows) {
  return {name, SplitRole::kTest, {{{name + ".tsv"}, layout, false}}, submission + ".tsv", rows};
}

/// Train, dev and test with one layout each.
std::vector<SplitSpec> glue_splits(const TableLayout& layout, const std::string& submission,
                                   int64_t rows) {
  return {files("train", SplitRole::kTrain, layout), files("dev", SplitRole::kDev, layout),
          test_files("test", layout, submission, rows)};
}

const std::vector<TaskLabel> kBinary{{"0"}, {"1"}};
const std::vector<TaskLabel> kEntailment{{"entailment"}, {"not_entailment"}};
const std::vector<TaskLabel> kNli{{"entailment"}, {"neutral"}, {"contradiction"}};

// Rows of RoBERTa's fine-tuning table (fairseq, examples/roberta/README.glue.md). It has no long
// documents; tasks of them learn like RTE and STS-B.
constexpr FinetuneRecipe kLargeTask{.learning_rate = 1e-5, .batch_size = 32};
constexpr FinetuneRecipe kSmallTask{.learning_rate = 1e-5, .batch_size = 16};
constexpr FinetuneRecipe kFastSmallTask{.learning_rate = 2e-5, .batch_size = 16};

TaskSpec glue_task(const char* name, const char* title, std::vector<TaskLabel> labels,
                   std::vector<Metric> metrics, std::vector<SplitSpec> splits,
                   const FinetuneRecipe& recipe = {}) {
  TaskSpec task{name, title};
  task.labels = std::move(labels);
  task.metrics = std::move(metrics);
  task.folders = {title};
  task.splits = std::move(splits);
  task.recipe = recipe;
  task.in_glue = true;
  return task;
}

TaskSpec cola() {
  // source, label, the author's mark, sentence; only the test file has a header
  const TableLayout layout = without_header(single(Column::at(3), Column::at(1)), {4});
  const TableLayout test = single("sentence", "label", Column("index"));
  return glue_task("cola", "CoLA", kBinary, {Metric::kMcc},
                   {files("train", SplitRole::kTrain, layout),
                    files("dev", SplitRole::kDev, layout), test_files("test", test, "CoLA", 1063)},
                   kSmallTask);
}

TaskSpec sst2() {
  const TableLayout layout = single("sentence", "label", Column("index"));
  TaskSpec task = glue_task("sst-2", "SST-2", {{"0", {"negative"}}, {"1", {"positive"}}},
                            {Metric::kAccuracy}, glue_splits(layout, "SST-2", 1821), kLargeTask);
  task.splits[2].choices.push_back({{"sst2-test.original.tsv"}, layout});
  return task;
}

TaskSpec mrpc() {
  const TableLayout layout = pair("#1 String", "#2 String", "Quality");
  TaskSpec task = glue_task("mrpc", "MRPC", kBinary, {Metric::kAccuracy, Metric::kF1},
                            glue_splits(layout, "MRPC", 1725), kSmallTask);
  task.starts_from_mnli = true;
  task.splits[2].choices.push_back({{"msr_paraphrase_test.txt"}, layout});
  return task;
}

TaskSpec stsb() {
  TaskSpec task = glue_task("sts-b", "STS-B", {}, {Metric::kPearson, Metric::kSpearman},
                            glue_splits(pair("sentence1", "sentence2", "score"), "STS-B", 1379),
                            kFastSmallTask);
  task.starts_from_mnli = true;
  task.kind = TaskKind::kRegression;
  task.max_score = 5.0;
  // The publisher's columns: genre, file, year, id, score, sentence1, sentence2, sometimes both
  // sources
  task.splits[2].choices.push_back(
      {{"sts-test.original.tsv", "sts-test.csv"},
       without_header(pair(Column::at(5), Column::at(6), Column::at(4), std::nullopt), {7, 9})});
  return task;
}

TaskSpec qqp() {
  TableLayout layout = pair("question1", "question2", "is_duplicate", Column("id"));
  layout.table.undo_quotes = true;
  return glue_task("qqp", "QQP", kBinary, {Metric::kAccuracy, Metric::kF1},
                   glue_splits(layout, "QQP", 390965),
                   {.learning_rate = 1e-5, .batch_size = 32, .warmup_share = 0.25});
}

TaskSpec mnli() {
  const TableLayout layout = pair("sentence1", "sentence2", "gold_label");
  TaskSpec task = glue_task(
      "mnli", "MNLI", kNli, {Metric::kAccuracy},
      {files("train", SplitRole::kTrain, layout), files("dev_matched", SplitRole::kDev, layout),
       files("dev_mismatched", SplitRole::kDev, layout),
       test_files("test_matched", layout, "MNLI-m", 9796),
       test_files("test_mismatched", layout, "MNLI-mm", 9847)},
      kLargeTask);
  task.splits[2].choices.push_back({{"dev_mismatched.tokenized.part.tsv"}, layout, true});
  return task;
}

TaskSpec rte() {
  TaskSpec task =
      glue_task("rte", "RTE", kEntailment, {Metric::kAccuracy},
                glue_splits(pair("sentence1", "sentence2", "label"), "RTE", 3000), kFastSmallTask);
  task.starts_from_mnli = true;
  return task;
}

TaskSpec ax() {
  SplitSpec test = test_files("test", pair("sentence1", "sentence2", "label"), "AX", 1104);
  test.choices = {{{"diagnostic.tsv"}, pair("sentence1", "sentence2", "label")},
                  {{"diagnostic-full.tsv"}, pair("Premise", "Hypothesis", "Label", std::nullopt)}};
  TaskSpec task = glue_task("ax", "AX", kNli, {Metric::kMcc}, {test});
  task.folders = {"AX", "diagnostic", "MNLI"};
  task.in_glue = false;
  task.trained_on = "mnli";
  return task;
}

TaskSpec imdb() {
  const TableLayout layout = single("text", "label", Column("id"));
  TaskSpec task = glue_task(
      "imdb", "IMDB", {{"0", {"negative", "neg"}}, {"1", {"positive", "pos"}}}, {Metric::kAccuracy},
      {files("train", SplitRole::kTrain, layout), files("test", SplitRole::kTest, layout)},
      kFastSmallTask);
  for (SplitSpec& split : task.splits) split.choices.push_back({{split.name + "/"}, layout});
  task.folders = {"imdb", "IMDB", "aclImdb"};
  task.dev_source = DevSource::kHeldOut;
  task.in_glue = false;
  return task;
}

TaskSpec hyperpartisan() {
  TaskSpec task = glue_task("hyperpartisan", "Hyperpartisan", {{"0", {"false"}}, {"1", {"true"}}},
                            {Metric::kAccuracy, Metric::kF1},
                            {{"train",
                              SplitRole::kTrain,
                              {{{"hyperpartisan.tsv"}, single("text", "label", Column("id"))}}}},
                            kFastSmallTask);
  task.folders = {"hyperpartisan"};
  task.dev_source = DevSource::kFolds;
  task.recipe.folds = 10;
  task.in_glue = false;
  return task;
}

/// "SST-2", "sst2" and "sst_2" are the same name.
std::string plain_name(const std::string& name) {
  std::string plain;
  for (const char letter : name) {
    if (std::isalnum(static_cast<unsigned char>(letter)) != 0)
      plain += static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  }
  return plain;
}

}  // namespace

bool TaskSpec::is_pair() const {
  return !splits.empty() && splits.front().choices.front().layout.b.has_value();
}

std::vector<std::string> TaskSpec::label_names() const {
  std::vector<std::string> names;
  for (const TaskLabel& label : labels) names.push_back(label.name);
  return names;
}

const SplitSpec& TaskSpec::split(const std::string& split_name) const {
  std::string names;
  for (const SplitSpec& candidate : splits) {
    if (candidate.name == split_name) return candidate;
    names += (names.empty() ? "" : ", ") + candidate.name;
  }
  fail_usage("task " + name, "has no split '" + split_name + "'", "choose one of: " + names);
}

const std::vector<TaskSpec>& known_tasks() {
  static const std::vector<TaskSpec> tasks{
      cola(),
      sst2(),
      mrpc(),
      stsb(),
      qqp(),
      mnli(),
      glue_task("qnli", "QNLI", kEntailment, {Metric::kAccuracy},
                glue_splits(pair("question", "sentence", "label"), "QNLI", 5463), kLargeTask),
      rte(),
      glue_task("wnli", "WNLI", kBinary, {Metric::kAccuracy},
                glue_splits(pair("sentence1", "sentence2", "label"), "WNLI", 146)),
      ax(),
      imdb(),
      hyperpartisan()};
  return tasks;
}

std::vector<std::string> known_task_names(const std::function<bool(const TaskSpec&)>& passes) {
  std::vector<std::string> names;
  for (const TaskSpec& task : known_tasks()) {
    if (!passes || passes(task)) names.push_back(task.name);
  }
  return names;
}

std::string task_names(const std::function<bool(const TaskSpec&)>& passes) {
  std::string list;
  for (const std::string& name : known_task_names(passes)) {
    list += (list.empty() ? "" : ", ") + name;
  }
  return list;
}

namespace {

/// The known task of this name in any spelling; null if there is none.
const TaskSpec* known_task(const std::string& name) {
  for (const TaskSpec& task : known_tasks()) {
    if (plain_name(task.name) == plain_name(name)) return &task;
  }
  return nullptr;
}

}  // namespace

FinetuneRecipe recipe_of_task(const std::string& name) {
  const TaskSpec* const task = known_task(name);
  return task == nullptr ? FinetuneRecipe{} : task->recipe;
}

std::string spelled_task(const std::string& name) {
  const TaskSpec* const task = known_task(name);
  return task == nullptr ? name : task->name;
}

const TaskSpec& find_task(const std::string& name) {
  if (const TaskSpec* const task = known_task(name)) return *task;
  std::vector<std::string> names;
  for (const TaskSpec& task : known_tasks()) names.push_back(task.name);
  const std::string near = nearest_name(name, names);
  fail_usage("task", "no task '" + name + "'",
             (near.empty() ? "" : "did you mean '" + near + "'? ") + "known are " + task_names() +
                 ", or own files with columns of your own");
}

}  // namespace linformer
