#include "linformer/experiments/text_baseline.h"

#include <limits>

#include "linformer/baselines/bag_of_words.h"
#include "linformer/config/config_file.h"
#include "linformer/core/atomic_file.h"
#include "linformer/core/clock.h"
#include "linformer/core/format.h"
#include "linformer/core/log.h"
#include "linformer/data/finetune_rows.h"
#include "linformer/objectives/task_evaluator.h"

namespace linformer {
namespace {

/// The predictions as outputs of a model that is certain of each of them.
TaskOutputs outputs_of(const TaskSpec& task, const std::vector<float>& predictions) {
  constexpr float kSure = 40.0F;
  TaskOutputs outputs;
  outputs.num_outputs = task.num_outputs();
  if (task.kind == TaskKind::kRegression) {
    outputs.values = predictions;
    return outputs;
  }
  const auto width = static_cast<size_t>(outputs.num_outputs);
  outputs.values.assign(predictions.size() * width, 0.0F);
  for (size_t row = 0; row < predictions.size(); ++row) {
    outputs.values[row * width + static_cast<size_t>(predictions[row])] = kSure;
  }
  return outputs;
}

}  // namespace

TaskResult run_bag_of_words(const FinetuneConfig& config) {
  const double start = steady_seconds();
  const FinetuneRows rows = read_finetune_rows(config.task);
  BagOfWordsOptions options;
  options.seed = static_cast<uint64_t>(config.run.seed);
  const BagOfWords model(rows.train, rows.task, options);
  log_info("bag of words: C " + format_number(model.inverse_strength()) + ", " +
           format_count(model.num_columns(), "feature"));
  TaskResult result;
  result.task = rows.task.name;
  result.model = "bag of words";
  result.seed = config.run.seed;
  result.fold = config.task.fold;
  result.protocol = name_of(config.finetune.protocol);
  result.setting = {{"C", format_number(model.inverse_strength())}};
  result.train_rows = static_cast<int64_t>(rows.train.size());
  result.train_is_part = rows.train_is_part;
  for (const std::vector<ExampleSet>* sets : {&rows.valid, &rows.test}) {
    for (const ExampleSet& set : *sets) {
      const TaskOutputs outputs = outputs_of(rows.task, model.predict(set.examples));
      auto measured = record_set(config.run.dir, rows.task, set, outputs);
      if (!measured) continue;
      measured->loss = std::numeric_limits<double>::quiet_NaN();  // it gives no probabilities
      result.sets.push_back(std::move(*measured));
    }
  }
  result.seconds = steady_seconds() - start;
  write_file_atomically(config.run.dir + "/config.yaml", dump_yaml(config));
  write_file_atomically(result_path(config.run.dir), to_json(result));
  return result;
}

}  // namespace linformer
