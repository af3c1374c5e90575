#include "fine_tuned_run.h"

#include <filesystem>

#include "linformer/core/error.h"
#include "linformer/data/task_registry.h"

namespace linformer {

namespace fs = std::filesystem;

std::optional<FinetuneConfig> fine_tuning_of(const std::string& model_folder) {
  std::error_code ignored;
  const fs::path folder = fs::canonical(model_folder, ignored);
  const fs::path path = folder.parent_path().parent_path() / "config.yaml";
  if (!fs::is_regular_file(path, ignored)) return std::nullopt;
  try {
    return load_finetune_config(path.string(), {}, recipe_of_task);
  } catch (const UsageError&) {
    return std::nullopt;  // the configuration of another kind of run
  }
}

int64_t length_as_fine_tuned(int64_t given, const std::optional<FinetuneConfig>& run) {
  return given == 0 && run ? run->input.max_length : given;
}

Truncation truncation_as_fine_tuned(std::optional<Truncation> given,
                                    const std::optional<FinetuneConfig>& run) {
  if (given) return *given;
  return run ? run->input.truncation : Truncation::kHead;
}

}  // namespace linformer
