#pragma once

#include <string>

namespace linformer {

/// `path` with its marks followed: where a file system has no symbolic links, `latest` and `best`
/// of a run are small files with the name of the folder beside them ("step-00001000"), and a path
/// may end with one or lead through one, as to a folder. A path without marks stays as it is.
std::string follow_marks(const std::string& path);

}  // namespace linformer
