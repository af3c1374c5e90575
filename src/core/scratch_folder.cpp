#include "linformer/core/scratch_folder.h"

#include <cerrno>
#include <filesystem>
#include <system_error>

#include <stdlib.h>

#include "linformer/core/error.h"

namespace linformer {

ScratchFolder::ScratchFolder(const std::string& purpose) {
  std::error_code unset;
  const std::filesystem::path parent = std::filesystem::temp_directory_path(unset);
  path_ = ((unset ? "/tmp" : parent) / ("linformer-" + purpose + "-XXXXXX")).string();
  if (::mkdtemp(path_.data()) == nullptr) fail_system(path_, "cannot create a folder", errno);
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace linformer
