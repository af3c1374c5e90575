#pragma once

#include <memory>
#include <span>

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

namespace linformer {

class DeviceGraph;
struct AttentionKernels;
struct ConvolutionKernels;
struct DropoutKernels;
struct GeluKernels;
struct LossKernels;
struct NormKernels;
struct ProductKernels;
struct RowKernels;

/// A device's own implementation of each operation (NAME_kernels.h documents its functions). Null
/// if the device has none: the operation is then composed of LibTorch's operations
/// (reference/kernels.h).
struct DeviceKernels {
  at::DeviceType device;
  const AttentionKernels* attention = nullptr;
  const ConvolutionKernels* convolution = nullptr;
  const DropoutKernels* dropout = nullptr;
  const GeluKernels* gelu = nullptr;
  const LossKernels* loss = nullptr;
  const NormKernels* norm = nullptr;
  const ProductKernels* product = nullptr;
  const RowKernels* rows = nullptr;
  /// Makes a graph (device_graph.h); null: the device records nothing.
  std::unique_ptr<DeviceGraph> (*graph)(c10::Device device) = nullptr;
};

/// Every implementation that this build has, one entry for each device.
std::span<const DeviceKernels> all_kernels();

/// The implementations of the device that holds `x`. Backward passes use this function, since a
/// graph that a device's forward pass built needs the same device's backward pass.
const DeviceKernels& device_kernels(const at::Tensor& x);

const DeviceKernels& device_kernels(at::DeviceType device);

/// The implementations for a new operation on `x`: those of the device, or none under a
/// ReferencePath.
const DeviceKernels& chosen_kernels(const at::Tensor& x);

}  // namespace linformer
