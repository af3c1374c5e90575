#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "linformer/checkpoint/safetensors.h"

namespace linformer {

/// The tensors of one model, mapped into memory: a safetensors file, or a folder with
/// model.safetensors or with the shards that model.safetensors.index.json names.
class StoredTensors {
 public:
  static StoredTensors open_file(const std::string& path);
  /// Throws RunError for: neither file there, an index that is not one, a shard that is missing or
  /// lies outside the folder, a tensor that is not where the index says, or is in two shards.
  static StoredTensors open_folder(const std::string& folder);

  /// The path of the file or of the index, for messages.
  const std::string& source() const { return source_; }
  const std::map<std::string, TensorView>& tensors() const { return tensors_; }

  /// Throws RunError that names the first damaged tensor.
  void verify() const;

  /// SafetensorsFile::check() of each file.
  void check() const;

 private:
  void add(const std::string& path);

  std::string source_;
  std::vector<std::shared_ptr<const SafetensorsFile>> files_;
  std::map<std::string, TensorView> tensors_;
};

}  // namespace linformer
