#pragma once

#include <string>

namespace linformer {

/// "pytorch_model.bin" if the folder holds such a pickle and no safetensors; "" otherwise. A path
/// that is a pickle itself is named so too.
std::string find_pickle(const std::string& path);

/// Throws RunError that says why there is no model at `path` and what to do: a pickle, a name of
/// the Hugging Face Hub, a folder without a model, or none at all.
[[noreturn]] void fail_no_model(const std::string& path);

}  // namespace linformer
