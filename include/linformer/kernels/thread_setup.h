#pragma once

#include <string>

namespace linformer {

/// Sets the number of threads of LibTorch's operations; 0 = one a core this process may run on.
/// Also treats denormal numbers as zero, which otherwise cost a hundred cycles each. Returns the
/// number set. UsageError where that many cannot be had (core/processors.h); `where` is what asked.
///
/// Where `processes_here` share the machine and nothing is requested, each takes what
/// OMP_NUM_THREADS says (linformer-launch sets it), else its share of the cores.
int set_num_threads(int requested, int processes_here = 1, std::string where = "--threads");

}  // namespace linformer
