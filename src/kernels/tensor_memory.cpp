#include "linformer/kernels/tensor_memory.h"

#include <ATen/ATen.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>

#include "linformer/kernels/caching_allocator.h"

namespace linformer {

TensorMemory tensor_memory(c10::Device device) {
  if (device.is_cpu()) {
    const MemoryUse use = memory_use();
    return {static_cast<int64_t>(use.requested_bytes),
            static_cast<int64_t>(use.peak_requested_bytes)};
  }
  const auto stats = c10::getDeviceAllocator(device.type())->getDeviceStats(device.index());
  const auto& requested =
      stats.requested_bytes[static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE)];
  return {requested.current, requested.peak};
}

void reset_peak_tensor_memory(c10::Device device) {
  if (device.is_cpu()) {
    reset_peak_memory();
  } else {
    c10::getDeviceAllocator(device.type())->resetPeakStats(device.index());
  }
}

void release_cached_tensor_memory(c10::Device device) {
  if (device.is_cpu()) {
    release_cached_memory();
  } else {
    c10::getDeviceAllocator(device.type())->emptyCache();
  }
}

void wait_for_device(c10::Device device) {
  if (device.is_cpu()) return;
  c10::impl::getDeviceGuardImpl(device.type())->synchronizeDevice(device.index());
}

}  // namespace linformer
