#pragma once

namespace linformer {

/// Whether the run since the last call went along a way through the readers that no earlier run
/// took; always false where they are built without -fsanitize-coverage=trace-pc.
bool take_new_coverage();

}  // namespace linformer
