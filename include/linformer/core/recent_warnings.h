#pragma once

#include <string>
#include <vector>

namespace linformer {

/// What log_warning() was given since the last call, oldest first, also where the log's level hides
/// it. Of more than 200 warnings the last ones. For the journal of a run.
std::vector<std::string> take_recent_warnings();

}  // namespace linformer
