#include "linformer/checkpoint/manifest.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <vector>

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "strict_json.h"

#include "linformer/core/atomic_file.h"
#include "linformer/core/checksum.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/json_text.h"

namespace linformer {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

void sync_file(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) fail_system(path, "cannot open the file", errno);
  const int error = ::fsync(descriptor) == 0 ? 0 : errno;
  ::close(descriptor);
  if (error != 0) fail_system(path, "cannot flush the file to disk", error);
}

/// Whether a file name from a manifest stays inside its folder.
bool is_inside(const std::string& name) {
  const fs::path path(name);
  return !name.empty() && path.is_relative() &&
         std::none_of(path.begin(), path.end(), [](const fs::path& part) { return part == ".."; });
}

std::optional<std::string> find_file_damage(const std::string& path, const Json& entry) {
  if (!entry.is_object() || !entry.contains("size") || !entry["size"].is_number_unsigned() ||
      !entry.contains("xxh3") || !entry["xxh3"].is_string()) {
    return "has no size and xxh3 in the manifest";
  }
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return "is missing";
  const auto size = static_cast<uint64_t>(fs::file_size(path, error));
  const auto expected = entry["size"].get<uint64_t>();
  if (error) return "cannot be read: " + error.message();
  if (size != expected) {
    return "has " + format_count(static_cast<int64_t>(size)) + " bytes instead of " +
           format_count(static_cast<int64_t>(expected));
  }
  try {
    if (to_hex(xxh3_of_file(path)) != entry["xxh3"].get<std::string>()) {
      return "is damaged: its checksum does not fit";
    }
  } catch (const Error&) {
    return "cannot be read";
  }
  return std::nullopt;
}

/// The files of the manifest, or the problem with the manifest.
Json read_files(const std::string& folder, std::string& problem) {
  const std::string path = folder + "/" + kManifestName;
  if (!fs::exists(path)) {
    problem = std::string(kManifestName) + " is missing: the folder was not completed";
    return {};
  }
  try {
    const Json manifest = parse_strict_json(read_text_file(path), path);
    if (manifest.is_object() && manifest.contains("files") && manifest["files"].is_object()) {
      return manifest["files"];
    }
  } catch (const Error&) {
  }
  problem = std::string(kManifestName) + " is damaged";
  return {};
}

}  // namespace

void write_manifest(const std::string& folder) {
  Json files = Json::object();
  std::vector<std::string> folders{folder};
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string path = entry.path().string();
    if (entry.is_directory()) folders.push_back(path);
    if (!entry.is_regular_file()) continue;
    const std::string name = fs::relative(entry.path(), folder).generic_string();
    if (name == kManifestName) continue;
    sync_file(path);
    files[name] = {{"size", entry.file_size()}, {"xxh3", to_hex(xxh3_of_file(path))}};
  }
  for (const std::string& path : folders) sync_directory(path);
  const Json manifest{{"format", "linformer-manifest"}, {"version", 1}, {"files", files}};
  write_file_atomically(folder + "/" + kManifestName, json_text(manifest, 1) + "\n");
}

std::optional<std::string> find_damage(const std::string& folder) {
  std::string problem;
  const Json files = read_files(folder, problem);
  if (!problem.empty()) return problem;
  for (const auto& [name, entry] : files.items()) {
    if (!is_inside(name)) return std::string(kManifestName) + " names a file outside: " + name;
    const auto damage = find_file_damage(folder + "/" + name, entry);
    if (damage) return name + " " + *damage;
  }
  return std::nullopt;
}

void verify_manifest(const std::string& folder) {
  const auto damage = find_damage(folder);
  if (damage) {
    fail_run(folder, *damage, "use another checkpoint, or restore the folder from a copy");
  }
}

}  // namespace linformer
