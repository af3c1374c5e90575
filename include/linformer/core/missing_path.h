#pragma once

#include <string>

namespace linformer {

/// Throws UsageError for a file or folder that the user named and that does not exist. The fix also
/// says where a relative path begins.
[[noreturn]] void fail_missing(const std::string& path, const std::string& what,
                               const std::string& fix);

}  // namespace linformer
