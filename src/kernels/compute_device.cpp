#include "linformer/kernels/compute_device.h"

#include <cstdlib>

#include <ATen/ATen.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>

#include "linformer/core/error.h"

namespace linformer {
namespace {

/// Makes CUDA's sums come in the same order in every run, so that resuming is exact there too.
/// Operations without a deterministic algorithm only warn.
void take_deterministic_algorithms() {
  // cuBLAS reads this when it starts; with other sizes its sums may vary.
  setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/0);
  at::Context& context = at::globalContext();
  context.setDeterministicAlgorithms(true, /*warn_only=*/true);
  // Otherwise LibTorch would fill all new memory first.
  context.setDeterministicFillUninitializedMemory(false);
}

}  // namespace

int64_t num_cuda_devices() {
  if (!at::globalContext().hasCUDA()) return 0;
  return c10::impl::getDeviceGuardImpl(at::kCUDA)->deviceCount();
}

c10::Device compute_device(DeviceChoice choice, int64_t local_rank, const std::string& key,
                           DeviceSharing sharing) {
  if (choice == DeviceChoice::kCpu) return at::kCPU;
  if (!at::globalContext().hasCUDA()) {
    if (choice == DeviceChoice::kAuto) return at::kCPU;
    fail_usage(key, "cuda, but LibTorch finds no CUDA device",
               "choose cpu, or use a LibTorch built for CUDA on a machine where nvidia-smi lists a "
               "device");
  }
  const auto* guard = c10::impl::getDeviceGuardImpl(at::kCUDA);
  const auto count = static_cast<int64_t>(guard->deviceCount());
  if (local_rank >= count && sharing == DeviceSharing::kNo) {
    fail_usage(key,
               "process " + std::to_string(local_rank) + " of this machine finds only " +
                   std::to_string(count) + " CUDA devices",
               "start at most one process per device (linformer-launch --nproc-per-node), or set "
               "distributed.backend: gloo, with which processes share devices");
  }
  const c10::Device device(at::kCUDA, static_cast<c10::DeviceIndex>(local_rank % count));
  guard->setDevice(device);
  take_deterministic_algorithms();
  return device;
}

}  // namespace linformer
