#include "linformer/data/task_files.h"

#include <algorithm>
#include <filesystem>

#include "linformer/core/error.h"
#include "linformer/core/missing_path.h"
#include "linformer/text/byte_source.h"

namespace linformer {

namespace {

namespace fs = std::filesystem;

/// The file of this name in a folder, perhaps compressed, or the folder of this name; "" if there
/// is none. If no name matches exactly, another case is accepted.
std::string existing_file(const fs::path& folder, const std::string& name) {
  if (name.ends_with('/')) {
    const fs::path path = folder / name.substr(0, name.size() - 1);
    std::error_code ignored;
    return fs::is_directory(path, ignored) ? path.string() : "";
  }
  for (const char* ending : {"", ".zst", ".gz"}) {
    const fs::path path = folder / (name + ending);
    std::error_code ignored;
    if (fs::is_regular_file(path, ignored)) return path.string();
  }
  std::string first;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, ignored)) {
    const std::string path = entry.path().string();
    if (name_without_compression(path) != name_without_compression(name)) continue;
    if (entry.is_regular_file(ignored) && (first.empty() || path < first)) first = path;
  }
  return first;
}

std::string list_of(const SplitSpec& split) {
  std::string list;
  for (const FileChoice& choice : split.choices) {
    for (const std::string& name : choice.names) list += (list.empty() ? "" : ", ") + name;
  }
  return list;
}

std::vector<SplitFiles> splits_in(const TaskSpec& task, const fs::path& folder) {
  std::vector<SplitFiles> found;
  for (const SplitSpec& split : task.splits) {
    for (const FileChoice& choice : split.choices) {
      SplitFiles files{split.name, split.role, {}, choice.layout, choice.is_part};
      for (const std::string& name : choice.names) {
        const std::string path = existing_file(folder, name);
        if (!path.empty()) files.paths.push_back(path);
      }
      if (files.paths.empty()) continue;
      found.push_back(std::move(files));
      break;
    }
  }
  return found;
}

}  // namespace

TaskFiles find_task_files(const TaskSpec& task, const std::string& folder) {
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored)) {
    fail_missing(folder, "no such folder", "give the folder of GLUE's files, or that of the task");
  }
  std::vector<fs::path> places;
  for (const char* root : {"", "glue", "GLUE"}) {
    for (const std::string& name : task.folders) {
      const fs::path place = fs::path(folder) / root / name;
      if (fs::is_directory(place, ignored)) places.push_back(place);
    }
  }
  places.emplace_back(folder);
  for (const fs::path& place : places) {
    std::vector<SplitFiles> splits = splits_in(task, place);
    if (!splits.empty()) return {place.string(), task, std::move(splits)};
  }
  std::string wanted;
  for (const SplitSpec& split : task.splits)
    wanted += (wanted.empty() ? "" : ", ") + list_of(split);
  fail_usage(folder, "no file of " + task.title + " in it or in a folder " + task.folders.front(),
             "files may be called " + wanted + " (also .zst or .gz)");
}

bool TaskFiles::has(const std::string& split_name) const {
  return std::any_of(splits.begin(), splits.end(),
                     [&](const SplitFiles& files) { return files.name == split_name; });
}

const SplitFiles& TaskFiles::split(const std::string& split_name) const {
  for (const SplitFiles& files : splits) {
    if (files.name == split_name) return files;
  }
  const SplitSpec& spec = task.split(split_name);
  fail_usage(folder, "has no " + split_name + " file of " + task.title,
             "put one there: " + list_of(spec) + " (also .zst or .gz)");
}

std::vector<const SplitFiles*> TaskFiles::of_role(SplitRole role) const {
  std::vector<const SplitFiles*> found;
  for (const SplitFiles& files : splits) {
    if (files.role == role) found.push_back(&files);
  }
  return found;
}

}  // namespace linformer
