#pragma once

namespace linformer {

/// Only warnings and errors go to stderr from now on: no other log lines, no progress. What
/// `--quiet` does.
void be_quiet();

/// Whether be_quiet() was called; progress lines ask it.
bool is_quiet();

}  // namespace linformer
