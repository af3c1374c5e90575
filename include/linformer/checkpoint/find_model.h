#pragma once

#include <string>

namespace linformer {

/// The model folder that a user means by `path`; every program goes by this one rule. The folder
/// itself if it holds config.json (verified if it has a manifest). Of a run folder or its
/// checkpoints folder: the checkpoint of the best evaluation if the model was fine-tuned, since
/// what came after it was learned by heart; else the newest whole one. Logs which one it is. Throws
/// RunError, also if the best checkpoint is broken.
std::string find_model_folder(const std::string& path);

}  // namespace linformer
