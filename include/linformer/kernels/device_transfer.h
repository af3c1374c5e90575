#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

namespace linformer {

/// `host`, a tensor on the CPU, on `device`; the same tensor if that is the CPU. To CUDA it goes
/// through pinned memory, so that the copy queues behind the device's work and the caller goes on:
/// for a copy from pageable memory CUDA may first wait until all of that work is done. `host` may
/// change as soon as this returns.
at::Tensor send_to_device(const at::Tensor& host, c10::Device device);

/// The same into `target`, a tensor of that shape and type on any device.
void send_to_device(const at::Tensor& host, const at::Tensor& target);

/// A copy of `tensor` on the CPU, without waiting for the device: its values are there once
/// wait_for_device() (tensor_memory.h), or a later blocking copy from the device, has returned.
at::Tensor start_copy_to_host(const at::Tensor& tensor);

}  // namespace linformer
