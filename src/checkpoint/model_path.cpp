#include "linformer/checkpoint/model_path.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>

#include "linformer/core/error.h"
#include "linformer/core/missing_path.h"

namespace linformer {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFolders =
    "give a model folder (with config.json), a run folder or its checkpoints folder";

bool is_pickle(const fs::path& path) {
  static constexpr std::array<std::string_view, 5> kEndings{".bin", ".pt", ".pth", ".ckpt", ".pkl"};
  return std::find(kEndings.begin(), kEndings.end(), path.extension().string()) != kEndings.end();
}

/// True for "roberta-base" and "FacebookAI/roberta-base", false for a path into an existing folder.
bool may_be_hub_name(const std::string& path) {
  const size_t slash = path.find('/');
  if (path.empty() || path.front() == '.' || path.front() == '/' || path.back() == '/')
    return false;
  if (slash == path.npos) return true;
  std::error_code ignored;
  return path.find('/', slash + 1) == path.npos && !fs::exists(path.substr(0, slash), ignored);
}

}  // namespace

std::string find_pickle(const std::string& path) {
  std::error_code ignored;
  if (fs::is_regular_file(path, ignored)) return is_pickle(path) ? path : "";
  std::string first;
  for (const auto& entry : fs::directory_iterator(path, ignored)) {
    const fs::path& file = entry.path();
    if (file.extension() == ".safetensors") return "";
    const std::string name = file.filename().string();
    if (is_pickle(file) && (first.empty() || name < first)) first = name;
  }
  return first;
}

void fail_no_model(const std::string& path) {
  if (const std::string pickle = find_pickle(path); !pickle.empty()) {
    fail_run(path,
             (pickle == path ? "is" : "holds its weights in " + pickle + ",") +
                 std::string(" a pickle, which may run any code when it is opened: it never is"),
             "save its tensors as model.safetensors beside config.json, if you trust the file: "
             "python3 -c \"import torch; from safetensors.torch import save_file; m = "
             "torch.load('" +
                 fs::path(pickle).filename().string() +
                 "', map_location='cpu', weights_only=True); save_file({k: v.clone() for k, v in "
                 "m.get('model', m).items()}, 'model.safetensors')\"");
  }
  std::error_code ignored;
  if (fs::exists(path, ignored)) fail_usage(path, "holds no model", kFolders);
  if (!may_be_hub_name(path)) fail_missing(path, "there is no such folder", kFolders);
  const std::string folder = fs::path(path).filename().string();
  fail_missing(path, "there is no such folder, and nothing is downloaded here",
               std::string(kFolders) +
                   "; a model of the Hugging Face Hub has to be downloaded first: hf download " +
                   path + " --local-dir " + folder +
                   ", then linformer-convert import --from hf --input " + folder);
}

}  // namespace linformer
