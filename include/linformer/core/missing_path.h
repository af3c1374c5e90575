#pragma once

#include <string>

namespace linformer {

/// Throws RunError for a file or folder that does not exist. The fix also says where a relative
/// path begins.
[[noreturn]] void fail_missing(const std::string& path, const std::string& what,
                               const std::string& fix);

}  // namespace linformer
