#pragma once

#include <optional>
#include <string>

namespace linformer {

inline constexpr const char* kManifestName = "MANIFEST.json";

/// Writes FOLDER/MANIFEST.json: size and xxh3 of every file below the folder. Before that it
/// brings each file and folder to the disk (fsync), so that a manifest never names less. Throws
/// RunError.
void write_manifest(const std::string& folder);

/// What is wrong with a folder, e.g. "model.safetensors: 120 bytes instead of 4,096"; nothing if
/// each file of its manifest is there, with the right size and checksum. Files that the manifest
/// does not name are no fault.
std::optional<std::string> find_damage(const std::string& folder);

/// Throws RunError that names the broken file, if find_damage() finds any.
void verify_manifest(const std::string& folder);

}  // namespace linformer
