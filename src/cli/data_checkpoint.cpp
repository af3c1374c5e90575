// linformer-data inspect for a checkpoint or a run folder: verifies every byte.
#include <cstdio>
#include <filesystem>

#include <nlohmann/json.hpp>

#include "data_commands.h"
#include "table_output.h"

#include "linformer/checkpoint/checkpoint_store.h"
#include "linformer/checkpoint/manifest.h"
#include "linformer/checkpoint/stored_tensors.h"
#include "linformer/config/pretrain_config.h"
#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/json_text.h"
#include "linformer/core/mark_file.h"

namespace linformer {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

/// Step and position of a checkpoint with a training state.
void add_training_state(const std::string& folder, Json& result) {
  const std::string path = folder + "/training/state.json";
  if (!fs::exists(path)) return;
  const Json state = parse_json<Json>(read_text_file(path)).value;
  for (const char* key : {"step", "num_updates", "position", "num_tokens"}) {
    if (!state.is_object() || !state.contains(key)) continue;
    if (const auto number = whole_number_of(state[key])) result[key] = *number;
  }
}

/// Reports one model folder; "damage" is "" if it is intact.
Json inspect_folder(const std::string& folder) {
  Json result{{"folder", folder}, {"bytes", bytes_below(folder)}, {"damage", ""}};
  const bool has_manifest = fs::exists(folder + "/" + kManifestName);
  result["manifest"] = has_manifest;
  if (const auto damage = has_manifest ? find_damage(folder) : std::nullopt) {
    result["damage"] = *damage;
    return result;
  }
  try {
    const StoredTensors tensors = StoredTensors::open_folder(folder);
    tensors.verify();
    int64_t numbers = 0;
    for (const auto& [name, tensor] : tensors.tensors()) numbers += tensor.num_elements();
    result["tensors"] = tensors.tensors().size();
    result["numbers"] = numbers;
  } catch (const Error& error) {
    result["damage"] = error.what();
  }
  add_training_state(folder, result);
  return result;
}

std::vector<std::string> checkpoints_of(const std::string& path) {
  for (const std::string& folder : {path + "/checkpoints", path}) {
    const CheckpointStore store(folder, CheckpointConfig{});
    std::vector<std::string> folders;
    for (const int64_t step : store.steps()) folders.push_back(store.folder_of(step));
    if (!folders.empty()) return folders;
  }
  return {path};
}

void print(const Json& checkpoints) {
  std::vector<std::vector<std::string>> rows{
      {"checkpoint", "size", "tensors", "numbers", "step", "state"}};
  for (const Json& checkpoint : checkpoints) {
    const auto count = [&](const char* key) {
      return checkpoint.contains(key) ? format_count(checkpoint[key].get<int64_t>())
                                      : std::string("-");
    };
    const bool whole = checkpoint["damage"].get<std::string>().empty();
    const std::string verified = checkpoint["manifest"].get<bool>() ? "whole" : "readable";
    rows.push_back({checkpoint["folder"].get<std::string>(),
                    format_bytes(checkpoint["bytes"].get<double>()), count("tensors"),
                    count("numbers"), count("step"), whole ? verified : "DAMAGED"});
  }
  std::printf("%s\n", shown_table(rows).c_str());
}

}  // namespace

bool is_checkpoint_path(const std::string& path_or_mark) {
  const std::string path = follow_marks(path_or_mark);
  return fs::is_directory(path) &&
         (fs::exists(path + "/config.json") || fs::exists(path + "/" + kManifestName) ||
          checkpoints_of(path) != std::vector<std::string>{path});
}

void inspect_checkpoints(const std::string& path, bool as_json) {
  Json checkpoints = Json::array();
  for (const std::string& folder : checkpoints_of(follow_marks(path))) {
    checkpoints.push_back(inspect_folder(folder));
  }
  if (as_json) {
    std::printf("%s\n", json_text(checkpoints, 2).c_str());
  } else {
    print(checkpoints);
  }
  for (const Json& checkpoint : checkpoints) {
    const std::string damage = checkpoint["damage"].get<std::string>();
    if (damage.empty()) continue;
    fail_run(checkpoint["folder"].get<std::string>(), damage,
             "a run falls back to its latest valid checkpoint by itself; remove this one, or "
             "restore it from a copy");
  }
}

}  // namespace linformer
