#pragma once

#include <vector>

#include <ATen/ATen.h>

#include "linformer/kernels/device_transfer.h"

namespace linformer {

/// A batch's numbers as a tensor in the batch's own memory. ATen wants a pointer to mutable memory;
/// nothing writes through it.
template <class T>
at::Tensor view_of(const std::vector<T>& values, at::IntArrayRef shape, at::ScalarType type) {
  return at::from_blob(const_cast<T*>(values.data()), shape, at::TensorOptions().dtype(type));
}

/// A batch's numbers on the device. On the CPU they are the batch's own memory; to another device
/// they are copied without waiting for it.
template <class T>
at::Tensor copy_of(const std::vector<T>& values, at::IntArrayRef shape, at::ScalarType type,
                   at::Device device) {
  return send_to_device(view_of(values, shape, type), device);
}

}  // namespace linformer
