#include "linformer/checkpoint/stored_tensors.h"

#include <filesystem>
#include <set>

#include <nlohmann/json.hpp>

#include "strict_json.h"

#include "linformer/checkpoint/model_path.h"
#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"

namespace linformer {
namespace {

using Json = nlohmann::json;

constexpr const char* kFix = "fetch the model again, with every file that the index names";

/// The weight_map of an index: tensor name -> file name.
std::map<std::string, std::string> read_index(const std::string& path) {
  const Json json = parse_strict_json(read_text_file(path), path);
  const auto map = json.is_object() ? json.find("weight_map") : json.end();
  if (!json.is_object() || map == json.end() || !map->is_object() || map->empty()) {
    fail_run(path, "has no weight_map of tensors to files", kFix);
  }
  std::map<std::string, std::string> files;
  for (const auto& [tensor, file] : map->items()) {
    const std::string name = file.is_string() ? file.get<std::string>() : "";
    if (name.empty() || name.find('/') != std::string::npos || name == "..") {
      fail_run(path, "puts " + tensor + " into " + file.dump() + ", which is not a file beside it",
               kFix);
    }
    files[tensor] = name;
  }
  return files;
}

}  // namespace

void StoredTensors::add(const std::string& path) {
  files_.push_back(std::make_shared<const SafetensorsFile>(path));
  for (const auto& [name, view] : files_.back()->tensors()) {
    if (!tensors_.emplace(name, view).second) {
      fail_run(path, "holds " + name + ", as another shard does", kFix);
    }
  }
}

StoredTensors StoredTensors::open_file(const std::string& path) {
  StoredTensors tensors;
  tensors.source_ = path;
  tensors.add(path);
  return tensors;
}

StoredTensors StoredTensors::open_folder(const std::string& folder) {
  const std::string single = folder + "/model.safetensors";
  const std::string index = folder + "/model.safetensors.index.json";
  if (!std::filesystem::exists(index)) {
    if (!find_pickle(folder).empty()) fail_no_model(folder);
    return open_file(single);
  }
  if (std::filesystem::exists(single)) {
    fail_run(folder, "has both model.safetensors and model.safetensors.index.json",
             "remove the one that is out of date");
  }
  const std::map<std::string, std::string> files = read_index(index);
  StoredTensors tensors;
  tensors.source_ = index;
  std::map<std::string, std::set<std::string>> named_in;
  for (const auto& [tensor, file] : files) named_in[file].insert(tensor);
  for (const auto& [file, names] : named_in) {
    const std::string path = folder + "/" + file;
    tensors.add(path);
    for (const auto& [name, view] : tensors.files_.back()->tensors()) {
      if (!names.count(name)) fail_run(path, "holds " + name + ", the index does not say so", kFix);
    }
    for (const std::string& name : names) {
      if (!tensors.files_.back()->tensors().count(name)) {
        fail_run(path, "has no tensor " + name + ", the index says it has", kFix);
      }
    }
  }
  return tensors;
}

void StoredTensors::verify() const {
  for (const auto& file : files_) file->verify();
}

void StoredTensors::check() const {
  for (const auto& file : files_) file->check();
}

}  // namespace linformer
