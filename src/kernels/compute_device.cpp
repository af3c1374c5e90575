#include "linformer/kernels/compute_device.h"

#include <ATen/ATen.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>

#include "linformer/core/error.h"

namespace linformer {

c10::Device compute_device(DeviceChoice choice, int64_t local_rank) {
  if (choice == DeviceChoice::kCpu) return at::kCPU;
  if (!at::globalContext().hasCUDA()) {
    if (choice == DeviceChoice::kAuto) return at::kCPU;
    fail_usage("run.device", "cuda, but LibTorch finds no CUDA device",
               "use run.device: cpu, or a LibTorch built for CUDA on a machine where nvidia-smi "
               "lists a device");
  }
  const auto* guard = c10::impl::getDeviceGuardImpl(at::kCUDA);
  if (local_rank >= guard->deviceCount()) {
    fail_usage("run.device",
               "process " + std::to_string(local_rank) + " of this machine finds only " +
                   std::to_string(static_cast<int>(guard->deviceCount())) + " CUDA devices",
               "start at most one process per device (linformer-launch --nproc-per-node)");
  }
  const c10::Device device(at::kCUDA, static_cast<c10::DeviceIndex>(local_rank));
  guard->setDevice(device);
  return device;
}

}  // namespace linformer
