#include "linformer/checkpoint/find_model.h"

#include <filesystem>

#include "linformer/checkpoint/checkpoint_store.h"
#include "linformer/checkpoint/manifest.h"
#include "linformer/checkpoint/model_config_json.h"
#include "linformer/checkpoint/model_path.h"
#include "linformer/core/log.h"
#include "linformer/core/mark_file.h"

namespace linformer {
namespace {

namespace fs = std::filesystem;

/// Chooses a checkpoint of one run; `newest` is its latest valid one.
std::string choose(const std::string& checkpoints, const Checkpoint& newest) {
  if (load_head_config(newest.folder).type == HeadType::kMaskedLm) {
    log_info("model: " + newest.folder + ", the newest checkpoint of the run");
    return newest.folder;
  }
  const std::optional<Checkpoint> best = CheckpointStore(checkpoints, CheckpointConfig{}).best();
  if (!best) {
    log_info("model: " + newest.folder + ", the newest checkpoint: none is marked as the best");
    return newest.folder;
  }
  verify_manifest(best->folder);
  log_info("model: " + best->folder + ", the best checkpoint of the fine-tuned run");
  return best->folder;
}

}  // namespace

std::string find_model_folder(const std::string& path_or_mark) {
  const std::string path = follow_marks(path_or_mark);
  if (fs::exists(path + "/config.json")) {
    if (fs::exists(path + "/" + kManifestName)) verify_manifest(path);
    log_info("model: " + path);
    return path;
  }
  for (const std::string& folder : {path + "/checkpoints", path}) {
    if (const auto newest = newest_whole_checkpoint(folder)) return choose(folder, *newest);
  }
  fail_no_model(path);
}

}  // namespace linformer
