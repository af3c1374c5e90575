#pragma once

#include <string>

namespace linformer {

/// The name of a pickle: "pytorch_model.bin" if the folder holds it and no safetensors, or `path`
/// itself if it is a pickle; "" otherwise.
std::string find_pickle(const std::string& path);

/// Throws RunError that says why there is no model at `path` and what to do. `path` is a pickle, a
/// name of the Hugging Face Hub, a folder without a model, or does not exist.
[[noreturn]] void fail_no_model(const std::string& path);

}  // namespace linformer
