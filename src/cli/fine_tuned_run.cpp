#include "fine_tuned_run.h"

#include <filesystem>

#include <CLI/CLI.hpp>

#include "option_checks.h"

#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"
#include "linformer/core/log.h"
#include "linformer/data/task_registry.h"

namespace linformer {

namespace fs = std::filesystem;

std::optional<FinetuneConfig> fine_tuning_of(const std::string& model_folder) {
  std::error_code ignored;
  const fs::path folder = fs::canonical(model_folder, ignored);
  if (folder.parent_path().filename() != "checkpoints") return std::nullopt;
  const std::string path = (folder.parent_path().parent_path() / "config.yaml").string();
  if (!fs::is_regular_file(path, ignored)) return std::nullopt;
  try {
    FinetuneConfig run = load_finetune_config(path, {}, recipe_of_task);
    log_info("rows are read as in the fine-tuning (" + path + "), unless options say otherwise");
    return run;
  } catch (const UsageError& error) {
    const std::string problem = error.what();
    log_warning("columns, length and truncation of the fine-tuning are not known: " +
                problem.substr(0, problem.find('\n')));
    return std::nullopt;
  }
}

void add_truncation_option(CLI::App& command, std::optional<Truncation>& truncation) {
  command
      .add_option_function<std::string>(
          "--truncation",
          [&truncation](const std::string& name) { truncation = enum_of<Truncation>(name); },
          "the part that is kept of a text that is too long; if left out, as in the fine-tuning, "
          "else head")
      ->check(takes_one_of_names(EnumNames<Truncation>::kNames));
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
