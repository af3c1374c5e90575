#pragma once

#include <cstddef>

namespace linformer {

struct MemoryUse {
  size_t live_bytes = 0;            ///< handed out now, each block as large as its size class
  size_t peak_bytes = 0;            ///< largest live_bytes since the last reset
  size_t requested_bytes = 0;       ///< handed out now, as many as the tensors asked for
  size_t peak_requested_bytes = 0;  ///< largest requested_bytes since the last reset
  size_t reserved_bytes = 0;        ///< taken from the system (live and kept for reuse)
  size_t num_mappings_made = 0;     ///< how often memory was mapped; never falls
};

/// Makes LibTorch's CPU tensors come from an allocator that keeps freed blocks for reuse.
///
/// glibc returns each large block to the system on free, so every training step would fault in all
/// its pages again (a third to a half of a small model's step). Here, large blocks are cut from
/// mappings on huge-page boundaries, and free neighbours are joined again, so that steps of
/// slightly different shapes share memory. Before more is mapped, whole free mappings are given
/// back, as far as there are such, until a quarter more is kept than was ever in use. Call this
/// once, before the first tensor. Returned memory is 64-byte aligned and not initialised. Thread
/// safe.
void install_caching_allocator();

/// Statistics of the caching allocator; all 0 if it was never installed.
MemoryUse memory_use();
void reset_peak_memory();

/// Returns free blocks to the system, e.g. before a phase with other shapes.
void release_cached_memory();

}  // namespace linformer
