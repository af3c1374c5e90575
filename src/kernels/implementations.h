#pragma once

#include <span>

#include <ATen/core/Tensor.h>

namespace linformer {

struct AttentionKernels;
struct ConvolutionKernels;
struct DropoutKernels;
struct GeluKernels;
struct LossKernels;
struct NormKernels;

/// A device's own implementation of each operation (NAME_kernels.h says what its functions take).
/// Null where the device has none: there the operation is composed of LibTorch's operations
/// (composed/kernels.h).
struct DeviceKernels {
  at::DeviceType device;
  const AttentionKernels* attention = nullptr;
  const ConvolutionKernels* convolution = nullptr;
  const DropoutKernels* dropout = nullptr;
  const GeluKernels* gelu = nullptr;
  const LossKernels* loss = nullptr;
  const NormKernels* norm = nullptr;
};

/// Every implementation that this build has, one entry for each device.
std::span<const DeviceKernels> all_kernels();

/// Those of the device that holds `x`. A backward pass takes them from here, since a graph that
/// a device's forward pass built needs its backward pass.
const DeviceKernels& device_kernels(const at::Tensor& x);

/// Those that a new operation on `x` takes: the device's, or none under a ComposedPath.
const DeviceKernels& chosen_kernels(const at::Tensor& x);

}  // namespace linformer
