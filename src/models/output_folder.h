#pragma once

#include <string>

#include "linformer/config/model_config.h"

namespace linformer {

/// A model folder in the making, beside where it will be. commit() writes the manifest and renames
/// it; without that the destructor removes everything.
class OutputFolder {
 public:
  /// Throws UsageError if `path` is there and not empty.
  explicit OutputFolder(const std::string& path);
  ~OutputFolder();
  OutputFolder(const OutputFolder&) = delete;
  OutputFolder& operator=(const OutputFolder&) = delete;

  /// Where to write.
  const std::string& path() const { return temporary_; }
  /// Copies the files of a tokenizer that stand in `folder`; false if there is no tokenizer.model.
  bool copy_tokenizer(const std::string& folder) const;
  void commit();

 private:
  std::string final_;
  std::string temporary_;
  bool committed_ = false;
};

}  // namespace linformer
