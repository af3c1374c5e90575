#include "dry_run_checks.h"

#include <filesystem>

#include "linformer/config/setting_names.h"
#include "linformer/core/error.h"
#include "linformer/core/log.h"
#include "linformer/core/mark_file.h"
#include "linformer/dist/process_group.h"
#include "linformer/objectives/resolve_precision.h"
#include "linformer/train/communicator.h"

namespace linformer {

void refuse_file_as_folder(const std::string& folder) {
  std::error_code ignored;
  if (std::filesystem::exists(folder, ignored) && !std::filesystem::is_directory(folder, ignored)) {
    fail_usage(setting_name("run.dir"), folder + " is a file", "choose another folder");
  }
}

namespace {

template <class Config>
void begin(Config& config, int64_t num_processes, bool force_slow_precision) {
  check_batch_divides(config.training, num_processes);
  ProcessGroup alone;
  resolve_precision(config, alone, force_slow_precision);
  const std::string& folder = config.run.dir;
  refuse_file_as_folder(folder);
  const std::string newest = follow_marks(folder + "/checkpoints/latest");
  std::error_code ignored;
  if (std::filesystem::exists(newest, ignored)) {
    log_info(folder + " holds a run already, which would go on from " + newest);
  }
}

}  // namespace

void begin_dry_run(PretrainConfig& config, int64_t num_processes, bool force_slow_precision) {
  begin(config, num_processes, force_slow_precision);
}

void begin_dry_run(FinetuneConfig& config, int64_t num_processes, bool force_slow_precision) {
  begin(config, num_processes, force_slow_precision);
}

}  // namespace linformer
