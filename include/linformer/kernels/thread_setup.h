#pragma once

namespace linformer {

/// Sets the number of threads of LibTorch's operations; 0 = one a core this process may run on.
/// Also treats denormal numbers as zero, which otherwise cost a hundred cycles each. Returns the
/// number set.
int set_num_threads(int requested);

}  // namespace linformer
