#pragma once

#include <string>

#include "linformer/core/error.h"

namespace linformer {

/// A file or folder that does not exist. A program that meets one ends with exit code 2, since the
/// path was most likely mistyped; in all other ways it is a RunError.
class MissingPath : public RunError {
 public:
  using RunError::RunError;
};

/// Throws MissingPath. The fix also says where a relative path begins.
[[noreturn]] void fail_missing(const std::string& path, const std::string& what,
                               const std::string& fix);

}  // namespace linformer
