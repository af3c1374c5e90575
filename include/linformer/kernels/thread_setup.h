#pragma once

#include <string>

namespace linformer {

/// Sets the number of threads of LibTorch's operations; 0 = one per core that this process may use.
/// Also treats denormal numbers as zero, since each of them otherwise costs a hundred cycles.
/// Returns the number that was set. Throws UsageError if so many threads are not available
/// (core/processors.h); `where` names the setting in the message.
///
/// If `processes_here` share the machine and no number is requested, each takes OMP_NUM_THREADS
/// (which linformer-launch sets), else its share of the cores.
int set_num_threads(int requested, int processes_here = 1, std::string where = "--threads");

}  // namespace linformer
