#pragma once

namespace linformer {

/// Bytes of memory that this process can still get: available memory and free swap of
/// /proc/meminfo, within the limits of its control group and of ulimit -v. Infinity if none of
/// these is known.
double available_memory_bytes();

/// The largest resident size that this process has had.
double peak_process_bytes();

}  // namespace linformer
