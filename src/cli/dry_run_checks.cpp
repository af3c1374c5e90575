#include "dry_run_checks.h"

#include <filesystem>

#include "linformer/config/setting_names.h"
#include "linformer/core/error.h"
#include "linformer/core/log.h"
#include "linformer/core/mark_file.h"

namespace linformer {

void refuse_file_as_folder(const std::string& folder) {
  std::error_code ignored;
  if (std::filesystem::exists(folder, ignored) && !std::filesystem::is_directory(folder, ignored)) {
    fail_usage(setting_name("run.dir"), folder + " is a file", "choose another folder");
  }
}

void check_before_run(const RunConfig& run) {
  std::error_code ignored;
  refuse_file_as_folder(run.dir);
  const std::string newest = follow_marks(run.dir + "/checkpoints/latest");
  if (std::filesystem::exists(newest, ignored)) {
    log_info(run.dir + " holds a run already, which would go on from " + newest);
  }
}

}  // namespace linformer
