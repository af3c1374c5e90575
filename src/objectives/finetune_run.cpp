#include "linformer/objectives/finetune_run.h"

#include <filesystem>

#include "linformer/config/config_file.h"
#include "linformer/core/atomic_file.h"
#include "linformer/core/format.h"
#include "linformer/models/model_folder.h"
#include "linformer/report/run_page.h"

namespace fs = std::filesystem;

namespace linformer {
namespace {

/// The fine-tuning that a starting model comes from, if it is a checkpoint of one.
std::optional<TaskResult> fine_tuning_before(const std::string& model_folder) {
  const fs::path checkpoints = fs::canonical(model_folder).parent_path();
  if (checkpoints.filename() != "checkpoints") return std::nullopt;
  const std::string path = result_path(checkpoints.parent_path().string());
  if (!fs::exists(path)) return std::nullopt;
  return task_result_from_json(read_text_file(path), path);
}

std::string shared_settings(FinetuneConfig config) {
  config.run = {.dir = "", .seed = config.run.seed, .threads = 0, .init_from = ""};
  config.task.data.clear();
  config.task.train.clear();
  config.task.valid.clear();
  config.task.test.clear();
  return settings_text(fields_of(config));
}

TrainerSetup setup_of(FinetuneConfig config, const FinetuneData& data) {
  TrainerConfig trainer = config.trainer(data.train->num_sequences());
  trainer.validate();  // how many steps there are depends on the rows
  return {RunKind::kFinetuning,
          std::move(trainer),
          compared_settings(RunKind::kFinetuning, fields_of(config)),
          dump_yaml(config),
          shared_settings(config),
          {},
          ModelWeights::kAveraged};  // a classifier is used as it was chosen
}

/// The configuration that a run of this state was trained with. For a run that was finished before,
/// this is not the present configuration.
FinetuneConfig trained_with(FinetuneConfig config, const TrainingState& state) {
  apply_settings(fields_of(config), state.settings);
  return config;
}

std::vector<std::pair<std::string, std::string>> setting_of(const FinetuneConfig& config) {
  std::vector<std::pair<std::string, std::string>> setting{
      {"learning_rate", format_number(config.training.learning_rate, 3)},
      {"batch", std::to_string(config.training.global_batch_size)}};
  if (config.training.max_steps) {
    setting.emplace_back("steps", std::to_string(*config.training.max_steps));
  } else {
    setting.emplace_back("epochs", format_number(config.finetune.epochs, 4));
  }
  if (config.input.max_length > 0) {
    setting.emplace_back("max_length", std::to_string(config.input.max_length));
  }
  const FinetuneSettings defaults;
  if (config.finetune.layer_decay != defaults.layer_decay) {
    setting.emplace_back("layer_decay", format_number(config.finetune.layer_decay, 3));
  }
  if (config.finetune.reinit_layers != defaults.reinit_layers) {
    setting.emplace_back("reinit_layers", std::to_string(config.finetune.reinit_layers));
  }
  if (config.finetune.pooling != defaults.pooling) {
    setting.emplace_back("pooling", name_of(config.finetune.pooling));
  }
  if (config.finetune.segment_embeddings) setting.emplace_back("segment_embeddings", "true");
  if (config.finetune.weights == StartingWeights::kRandom) {
    setting.emplace_back("weights", "random");
  }
  return setting;
}

}  // namespace

FinetuneRun::FinetuneRun(FinetuneConfig config, std::shared_ptr<ProcessGroup> processes)
    : config_(std::move(config)),
      start_(StartingModel::open(config_.run.init_from, config_.finetune)),
      before_(fine_tuning_before(start_.folder)),
      data_(encode_finetune_data(config_, read_finetune_rows(config_.task), start_.config,
                                 start_.tokenizer)),
      task_(config_, start_, data_),
      communicator_(processes),
      trainer_(task_, setup_of(config_, data_), processes) {}

StopReason FinetuneRun::run() {
  const int64_t before = trainer_.state().step;
  const StopReason reason = trainer_.run();
  if (reason == StopReason::kSignal || reason == StopReason::kSessionEnd) return reason;
  const bool one_batch = config_.training.overfit_one_batch;
  if (!one_batch && !measure()) return StopReason::kSignal;
  if (communicator_.is_first() && trainer_.state().step > before) write_run_page(config_.run.dir);
  return reason;
}

bool FinetuneRun::measure() {
  // Rank 0 alone knows when the checkpoints are on the disk. What is measured is what lies there:
  // of a run with averaged weights the averaged ones.
  if (communicator_.is_first()) {
    std::optional<Checkpoint> chosen = trainer_.checkpoints().best();
    if (!chosen) chosen = trainer_.checkpoints().newest_whole();
    if (chosen) {
      task_.load_checkpoint_weights(chosen->folder);
      if (has_averaged_weights(chosen->folder)) {
        load_averaged_weights(chosen->folder, task_.parameters());
      }
    }
  }
  communicator_.share(named_parameters(task_.parameters()));
  const FinetuneConfig trained = trained_with(config_, trainer_.state());
  TaskResult result;
  result.task = data_.task.name;
  result.model = before_ ? before_->model : trained.run.init_from;
  if (trained.finetune.weights == StartingWeights::kRandom) result.model += " (random weights)";
  result.seed = trained.run.seed;
  result.fold = trained.task.fold;
  result.protocol = name_of(trained.finetune.protocol);
  result.setting = setting_of(trained);
  if (before_ && trained.finetune.weights == StartingWeights::kPretrained) {
    result.setting.emplace_back("from", before_->task);
  }
  result.train_rows = data_.train->num_sequences();
  result.train_is_part = data_.train_is_part;
  result.steps = trainer_.state().step;
  result.best_step = trainer_.state().best_step;
  result.seconds = trainer_.state().elapsed_seconds;
  for (const std::vector<HeldOutSet>* sets : {&data_.valid, &data_.test}) {
    for (const HeldOutSet& set : *sets) {
      const std::optional<TaskOutputs> outputs =
          task_.predict(communicator_, *set.dataset, set.rows.name);
      if (!outputs) return false;
      if (!communicator_.is_first()) continue;
      const auto measured = record_set(config_.run.dir, data_.task, set.rows, *outputs);
      if (measured) result.sets.push_back(*measured);
    }
  }
  if (communicator_.is_first())
    write_file_atomically(result_path(config_.run.dir), to_json(result));
  result_ = std::move(result);
  return true;
}

}  // namespace linformer
