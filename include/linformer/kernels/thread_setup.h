#pragma once

#include <string>

namespace linformer {

/// Sets the number of threads of LibTorch's operations; 0 = one per core that this process may use.
/// Also treats denormal numbers as zero, since each of them otherwise costs a hundred cycles.
/// Returns the number that was set. Throws UsageError if so many threads are not available
/// (core/processors.h); `where` names the setting in the message.
///
/// If no number is requested, OMP_NUM_THREADS counts (linformer-launch sets it), and without it
/// each of the `processes_here` that share the machine takes its share of the cores.
int set_num_threads(int requested, int processes_here = 1, std::string where = "--threads");

}  // namespace linformer
