#pragma once

#include <string>

namespace linformer {

/// `path` with its marks resolved. On a file system without symbolic links, a run's `latest` and
/// `best` are mark files: small files with the name of the folder beside them ("step-00001000"). A
/// path may end with a mark or lead through one, as if it were a folder. A path without marks stays
/// as it is.
std::string follow_marks(const std::string& path);

}  // namespace linformer
