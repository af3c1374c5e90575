#pragma once

#include <optional>
#include <string>

namespace linformer {

inline constexpr const char* kManifestName = "MANIFEST.json";

/// Writes FOLDER/MANIFEST.json: size and xxh3 of every file below the folder. Each file and folder
/// is flushed to disk first (fsync), so that everything that a manifest names is on the disk.
/// Throws RunError.
void write_manifest(const std::string& folder);

/// The first problem of a folder, e.g. "model.safetensors: 120 bytes instead of 4,096". Nothing if
/// each file of its manifest exists with the right size and checksum. Files that the manifest does
/// not name are allowed.
std::optional<std::string> find_damage(const std::string& folder);

/// Throws RunError that names the broken file if find_damage() finds one.
void verify_manifest(const std::string& folder);

}  // namespace linformer
