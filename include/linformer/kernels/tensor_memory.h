#pragma once

#include <cstdint>

#include <c10/core/Device.h>

namespace linformer {

/// Bytes that the tensors of a device asked for.
struct TensorMemory {
  int64_t live_bytes = 0;
  int64_t peak_bytes = 0;  ///< largest live_bytes since the last reset
};

/// On the CPU, statistics of the caching allocator (all 0 if it was never installed); elsewhere,
/// those of the device's own allocator. What libraries allocate beside tensors is not counted.
TensorMemory tensor_memory(c10::Device device);
void reset_peak_tensor_memory(c10::Device device);

/// Gives free blocks back to the system.
void release_cached_tensor_memory(c10::Device device);

/// Returns when the device has done all work so far, so that a clock may be read.
void wait_for_device(c10::Device device);

}  // namespace linformer
