#pragma once

namespace linformer {

/// Bytes of memory that this process can still get before the system has to end something: what
/// /proc/meminfo calls available and free swap, within the limits of its control group and of
/// ulimit -v. Infinity where nothing says so.
double available_memory_bytes();

}  // namespace linformer
