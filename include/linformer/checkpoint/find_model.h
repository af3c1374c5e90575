#pragma once

#include <string>

namespace linformer {

/// The model folder that a user means by `path`; all programs use this rule. A folder with
/// config.json is the model itself (verified if it has a manifest). For a run folder or its
/// checkpoints folder, a fine-tuned model means the checkpoint of the best evaluation, since later
/// ones are overfitted; any other model means the latest valid checkpoint. Logs the choice. Throws
/// RunError, also if the best checkpoint is broken.
std::string find_model_folder(const std::string& path);

}  // namespace linformer
