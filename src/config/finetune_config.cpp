#include "linformer/config/finetune_config.h"

#include <algorithm>
#include <cmath>

#include "rules.h"

#include "linformer/config/config_file.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"

namespace linformer {
namespace {

/// Only what decides the defaults is looked at; all else has to be allowed here.
FinetuneConfig read_over(FinetuneConfig config, const std::string& path, const std::string& text,
                         const std::vector<std::string>& overrides) {
  const FieldList fields = fields_of(config);
  if (!path.empty()) read_yaml(fields, text, path);
  for (const std::string& assignment : overrides) apply_override(fields, assignment);
  return config;
}

void validate_task(const TaskConfig& task) {
  require_text("task.name", task.name, "sst-2");
  if (task.data.empty() && task.train.empty()) {
    fail_usage("task.data", "names no data",
               "give the folder with the task's files, or the files themselves in task.train");
  }
  require_share("task.valid_share", task.valid_share);
  require_positive("task.valid_share", task.valid_share);
  require_range("task.folds", task.folds, 0, 1000);
  if (task.folds == 1) {
    fail_usage("task.folds", "is 1: nothing would be left to learn from", "use e.g. 5");
  }
  require_range("task.fold", task.fold, 0, std::max<int64_t>(0, task.folds - 1));
  require_range("task.split_seed", task.split_seed, 0, INT64_MAX);
  require_range("task.max_train_rows", task.max_train_rows, 0, INT64_MAX);
  require_share("task.max_bad_share", task.max_bad_share);
  if (!task.labels.empty() && task.regression) {
    fail_usage("task.labels", "a regression has none", "leave them out, or task.regression");
  }
  if (task.labels.size() == 1) {
    fail_usage("task.labels", "has one label only: there is nothing to tell apart",
               "name all labels, or leave it out");
  }
}

}  // namespace

FinetuneConfig finetune_defaults(const std::string& task, Protocol protocol,
                                 const FinetuneRecipe& recipe) {
  const FinetuneRecipe used = protocol == Protocol::kTask ? recipe : FinetuneRecipe{};
  FinetuneConfig config;
  config.task.name = task;
  config.task.folds = recipe.folds;
  config.finetune.protocol = protocol;
  TrainingConfig& training = config.training;
  training.global_batch_size = used.batch_size;
  training.micro_batch_size = used.batch_size;
  training.learning_rate = used.learning_rate;
  training.schedule.warmup_share = used.warmup_share;
  training.optimizer.weight_decay = 0.1;
  training.optimizer.max_grad_norm = 0.0;
  config.evaluation.every = 0;
  config.logging.tensorboard = false;
  return config;
}

FinetuneConfig load_finetune_config(const std::string& path,
                                    const std::vector<std::string>& overrides,
                                    const RecipeOf& recipe_of) {
  const std::string text = path.empty() ? "" : read_config_text(path);
  const FinetuneConfig named = read_over({}, path, text, overrides);
  const std::string& task = named.task.name;
  const FinetuneConfig defaults = finetune_defaults(task, named.finetune.protocol, recipe_of(task));
  FinetuneConfig config = read_over(defaults, path, text, overrides);
  // One that was asked for alone takes the other along.
  if (config.training.global_batch_size != defaults.training.global_batch_size &&
      config.training.micro_batch_size == defaults.training.micro_batch_size &&
      config.training.global_batch_size % config.training.micro_batch_size != 0) {
    config.training.micro_batch_size = config.training.global_batch_size;
  }
  config.validate();
  return config;
}

TrainerConfig FinetuneConfig::trainer(int64_t num_rows) const {
  TrainerConfig result{run, training, evaluation, checkpoint, logging, distributed};
  const double batch = static_cast<double>(training.global_batch_size);
  const auto rows = static_cast<double>(num_rows);
  if (!training.max_steps) {
    result.training.max_steps =
        std::max<int64_t>(1, std::llround(std::ceil(finetune.epochs * rows / batch - 1e-9)));
  }
  if (finetune.evaluations_per_epoch > 0) {
    const double steps = rows / batch / static_cast<double>(finetune.evaluations_per_epoch);
    result.evaluation.every = std::max<int64_t>(1, std::llround(std::ceil(steps - 1e-9)));
  }
  return result;
}

void FinetuneConfig::validate() const {
  validate_task(task);
  require_text("run.init_from", run.init_from, "runs/my-pretraining");
  require_range("input.max_length", input.max_length, 0, int64_t{1} << 24);
  if (input.max_length > 0)
    require_range("input.max_length", input.max_length, 8, int64_t{1} << 24);
  require_positive("finetune.epochs", finetune.epochs);
  constexpr double kMostEpochs = 1e6;  // steps have to be countable
  if (finetune.epochs > kMostEpochs) {
    fail_usage("finetune.epochs", format_number(finetune.epochs, 6) + " is out of range",
               "choose at most 1000000");
  }
  require_range("finetune.evaluations_per_epoch", finetune.evaluations_per_epoch, 0, 10000);
  require_positive("finetune.layer_decay", finetune.layer_decay);
  if (finetune.layer_decay > 1.0) {
    fail_usage("finetune.layer_decay", "exceeds 1: lower layers would learn faster than the head",
               "use e.g. 0.95, or 1 for equal rates");
  }
  require_positive("finetune.head_learning_rate", finetune.head_learning_rate);
  require_range("finetune.reinit_layers", finetune.reinit_layers, 0, 10000);
  if (finetune.dropout) require_share("finetune.dropout", *finetune.dropout);
  if (training.max_tokens) {
    fail_usage("training.max_tokens", "sequences differ in length here",
               "use finetune.epochs or training.max_steps");
  }
  trainer(/*num_rows=*/int64_t{1} << 30).validate();
}

}  // namespace linformer
