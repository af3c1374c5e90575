#pragma once

#include <string>

namespace linformer {

/// Why a program failed, for people: its log from the last "error: " on, printable and at most
/// 2,000 bytes of it, or else its exit code and where the log is.
std::string failure_reason(const std::string& log_path, int exit_code);

/// How far a run is that another process executes, in a few words, from what it has printed so far:
/// "step 340/5,360, ETA 12m 04s" or "predicting test: 1,200 of 25,000 rows, ETA 3m 10s"; "starting"
/// before anything of this kind.
std::string progress_of_run(const std::string& log_path);

}  // namespace linformer
