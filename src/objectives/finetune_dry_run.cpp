#include "linformer/objectives/finetune_dry_run.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "run_device.h"
#include "step_probe.h"

#include "linformer/core/format.h"
#include "linformer/core/table.h"
#include "linformer/objectives/classification_objective.h"
#include "linformer/objectives/finetune_data.h"

namespace linformer {
namespace {

std::string rows_text(const HeldOutSet& set) {
  return format_count(set.dataset->num_sequences(), "row") + (set.rows.is_part ? ", a part" : "") +
         (set.targets.empty() ? ", no labels" : "");
}

std::string label_text(const TaskSpec& task) {
  if (task.kind == TaskKind::kRegression) return "scores";
  std::string text;
  for (const std::string& label : task.label_names()) text += (text.empty() ? "" : ", ") + label;
  return text;
}

TableRows data_rows(const FinetuneData& data, const std::string& model_folder) {
  const LabelledDataset& train = *data.train;
  const double mean =
      static_cast<double>(train.num_tokens()) / static_cast<double>(train.num_sequences());
  TableRows rows{{"task", data.task.name},
                 {"starts from", model_folder},
                 {"labels", label_text(data.task)},
                 {"training rows",
                  format_count(train.num_sequences()) + (data.train_is_part ? ", a part" : "")},
                 {"tokens of a row", format_number(mean) + " on average, " +
                                         format_count(train.longest()) + " at most"},
                 {"rows cut to " + format_count(train.max_sequence_length()) + " tokens",
                  format_count(train.num_truncated())}};
  for (const HeldOutSet& set : data.valid)
    rows.push_back({"held out: " + set.rows.name, rows_text(set)});
  for (const HeldOutSet& set : data.test)
    rows.push_back({"predicted: " + set.rows.name, rows_text(set)});
  return rows;
}

/// The longest rows first, since they take the most memory. Then rows from all over the first
/// epoch: multiples of the golden ratio leave no part of it out, whatever their number.
Batch probed_batch(const LabelledDataset& train, int64_t rows, int64_t i) {
  if (i == 0) return train.evaluation_batch(0, rows);
  const double ratio = static_cast<double>(i) * std::numbers::phi;
  const auto in_epoch = static_cast<double>(std::max<int64_t>(1, train.num_sequences() / rows));
  return train.batch(static_cast<int64_t>((ratio - std::floor(ratio)) * in_epoch) * rows, rows);
}

}  // namespace

void check_finetuning(const FinetuneConfig& config) {
  const StartingModel start = StartingModel::open(config.run.init_from, config.finetune);
  check_max_length(config, start.config);
  read_finetune_rows(config.task);
}

std::string describe_finetuning(const FinetuneConfig& config) {
  const StartingModel start = StartingModel::open(config.run.init_from, config.finetune);
  const FinetuneData data =
      encode_finetune_data(config, read_finetune_rows(config.task), start.config, start.tokenizer);
  const LabelledDataset& train = *data.train;
  const TrainerConfig trainer = config.trainer(train.num_sequences());
  trainer.validate();
  ClassificationObjective objective(config, start, data);
  objective.start_weights();

  StepProbeWork work;
  work.training = config.training;
  work.parameters = objective.optimized_parameters();
  work.loss = [&](const Batch& batch, ForwardContext& context) {
    return objective.loss(batch, context);
  };
  work.batch = [&](int64_t i) { return probed_batch(train, config.training.micro_batch_size, i); };
  work.device = run_device(config);
  const StepProbe probe = probe_steps(std::move(work));

  const int64_t steps = trainer.training.max_steps.value_or(0);
  const double epochs = static_cast<double>(steps * config.training.global_batch_size) /
                        static_cast<double>(train.num_sequences());
  const double tokens = epochs * static_cast<double>(train.num_tokens());
  const double seconds = tokens * probe.micro_batch_seconds / probe.tokens +
                         static_cast<double>(steps) * probe.update_seconds;
  TableRows length{{"length", ""},
                   {"parameters", format_count(objective.parameters().count())},
                   {"steps", format_count(steps)},
                   {"epochs", format_number(epochs)},
                   {"tokens", format_count(static_cast<int64_t>(tokens))},
                   {"a step", step_text(seconds / static_cast<double>(steps), tokens / seconds)},
                   {"the run, without evaluations", format_duration(seconds)}};
  for (const auto& row : memory_rows(probe)) length.push_back(row);
  return format_table(data_rows(data, start.folder)) + "\n" + format_table(length) + "\n" +
         describe_schedule(config.training, trainer.resolved_warmup_steps(), steps);
}

}  // namespace linformer
