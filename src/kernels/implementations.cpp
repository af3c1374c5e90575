#include "implementations.h"

#include <algorithm>
#include <array>

#include "cpu/kernels.h"
#include "reference_path.h"
#ifdef LINFORMER_WITH_CUDA
#include "cuda/cuda_graph.h"
#include "cuda/kernels.h"
#endif

#include "linformer/kernels/device_graph.h"

namespace linformer {
namespace {

constexpr std::array kRegistered{
    DeviceKernels{.device = at::kCPU,
                  .attention = &cpu::attention_kernels,
                  .convolution = &cpu::convolution_kernels,
                  .dropout = &cpu::dropout_kernels,
                  .gelu = &cpu::gelu_kernels,
                  .loss = &cpu::loss_kernels,
                  .norm = &cpu::norm_kernels,
                  .product = &cpu::product_kernels,
                  .rows = &cpu::row_kernels},
#ifdef LINFORMER_WITH_CUDA
    DeviceKernels{.device = at::kCUDA,
                  .attention = &cuda::attention_kernels,
                  .convolution = &cuda::convolution_kernels,
                  .dropout = &cuda::dropout_kernels,
                  .gelu = &cuda::gelu_kernels,
                  .loss = &cuda::loss_kernels,
                  .norm = &cuda::norm_kernels,
                  .rows = &cuda::row_kernels,
                  .graph = &cuda::make_cuda_graph},
#endif
};

// For a device without implementations, and one whose implementations a ReferencePath hides.
constexpr DeviceKernels kNone{.device = at::kCPU};

}  // namespace

std::span<const DeviceKernels> all_kernels() {
  return kRegistered;
}

const DeviceKernels& device_kernels(at::DeviceType device) {
  const auto found =
      std::find_if(kRegistered.begin(), kRegistered.end(),
                   [&](const DeviceKernels& kernels) { return kernels.device == device; });
  return found == kRegistered.end() ? kNone : *found;
}

const DeviceKernels& device_kernels(const at::Tensor& x) {
  return device_kernels(x.device().type());
}

const DeviceKernels& chosen_kernels(const at::Tensor& x) {
  return ReferencePath::active() ? kNone : device_kernels(x);
}

}  // namespace linformer
