#include "linformer/analysis/text_baseline.h"

#include "linformer/baselines/bag_of_words.h"
#include "linformer/config/config_file.h"
#include "linformer/core/atomic_file.h"
#include "linformer/core/clock.h"
#include "linformer/core/format.h"
#include "linformer/core/log.h"
#include "linformer/data/finetune_rows.h"
#include "linformer/report/prediction_table.h"

namespace linformer {
namespace {

PredictionTable table_of(const TaskSpec& task, const ExampleSet& set,
                         const std::vector<float>& predictions) {
  PredictionTable table;
  const bool regression = task.kind == TaskKind::kRegression;
  const std::vector<std::string> labels = task.label_names();
  const auto shown = [&](float value) {
    return regression ? format_number(static_cast<double>(value), 6)
                      : labels.at(static_cast<size_t>(value));
  };
  if (!regression) table.labels = labels;
  for (size_t row = 0; row < predictions.size(); ++row) {
    const LabelledExample& example = set.examples[row];
    std::vector<double> probabilities(table.labels.size(), 0.0);
    if (!regression) probabilities.at(static_cast<size_t>(predictions[row])) = 1.0;
    table.rows.push_back({example.line, example.id,
                          example.has_target() ? shown(example.target) : "",
                          shown(predictions[row]), std::move(probabilities)});
  }
  return table;
}

}  // namespace

TaskResult run_bag_of_words(const FinetuneConfig& config) {
  const double start = steady_seconds();
  const FinetuneRows rows = read_finetune_rows(config.task);
  BagOfWordsOptions options;
  options.seed = static_cast<uint64_t>(config.run.seed);
  const BagOfWords model(rows.train, rows.task, options);
  log_info("bag of words: C " + format_number(model.inverse_strength()) + ", " +
           format_count(model.num_columns()) + " features");
  TaskResult result;
  result.task = rows.task.name;
  result.model = "bag of words";
  result.seed = config.run.seed;
  result.fold = config.task.fold;
  result.protocol = name_of(config.finetune.protocol);
  result.setting = {{"C", format_number(model.inverse_strength())}};
  result.train_rows = static_cast<int64_t>(rows.train.size());
  result.train_is_part = rows.train_is_part;
  make_directories(config.run.dir + "/predictions");
  for (const std::vector<ExampleSet>* sets : {&rows.valid, &rows.test}) {
    for (const ExampleSet& set : *sets) {
      const std::vector<float> predictions = model.predict(set.examples);
      write_file_atomically(predictions_path(config.run.dir, set.name),
                            table_of(rows.task, set, predictions).text());
      const std::vector<float> targets = set.targets();
      if (targets.empty()) continue;
      const std::vector<Metric> metrics =
          set.task == rows.task.name ? rows.task.metrics : find_task(set.task).metrics;
      SetResult measured;
      measured.name = set.name;
      measured.task = set.task;
      measured.rows = static_cast<int64_t>(set.examples.size());
      measured.is_part = set.is_part;
      measured.metrics = metric_values(metrics, predictions, targets);
      measured.loss = std::numeric_limits<double>::quiet_NaN();
      measured.majority = majority_baseline(metrics.front(), targets);
      result.sets.push_back(std::move(measured));
    }
  }
  result.seconds = steady_seconds() - start;
  write_file_atomically(config.run.dir + "/config.yaml", dump_yaml(config));
  write_file_atomically(config.run.dir + "/result.json", to_json(result));
  return result;
}

}  // namespace linformer
