#include "linformer/config/finetune_config.h"

#include <algorithm>
#include <cmath>

#include "rules.h"

#include "linformer/config/config_file.h"
#include "linformer/config/setting_names.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"

namespace linformer {
namespace {

/// Only the keys that decide the defaults are read; all other keys have to be allowed here.
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
    fail_usage(setting_name("task.data"), "names no data",
               "give the folder with the task's files, or the files themselves in task.train");
  }
  if (task.has_test() && std::count(task.test.begin(), task.test.end(), "none") > 0) {
    fail_usage("task.test", "has none and files", "give [none] alone, or the files alone");
  }
  require_in(between(0, std::max<int64_t>(0, task.folds - 1)), "task.fold", task.fold);
  if (!task.labels.empty() && task.regression) {
    fail_usage("task.labels", "a regression has none", "leave out task.labels or task.regression");
  }
  if (task.labels.size() == 1) {
    fail_usage("task.labels", "has one label only, so there is nothing to distinguish",
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
  // If only global_batch_size is given, the micro-batch follows it.
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
  require_ranges(*this, "");
  validate_task(task);
  require_text("run.init_from", run.init_from, "runs/my-pretraining");
  if (training.max_tokens) {
    fail_usage("training.max_tokens", "sequences differ in length here",
               "use finetune.epochs or training.max_steps");
  }
  trainer(/*num_rows=*/int64_t{1} << 30).validate();
}

}  // namespace linformer
