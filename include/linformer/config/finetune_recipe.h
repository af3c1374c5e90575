#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace linformer {

/// Defaults of fine-tuning that depend on the task. Those here are for tasks that are not known,
/// and for all tasks under the global protocol.
struct FinetuneRecipe {
  double learning_rate = 2e-5;
  int64_t batch_size = 32;
  double warmup_share = 0.06;
  int64_t folds = 0;  ///< of a task without files to develop on; under every protocol
};

/// The recipe of a task, by its name. The registry of tasks has it (data/task_registry.h).
using RecipeOf = std::function<FinetuneRecipe(const std::string& task)>;

}  // namespace linformer
