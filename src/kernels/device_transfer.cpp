#include "linformer/kernels/device_transfer.h"

#include <ATen/ATen.h>

namespace linformer {

at::Tensor send_to_device(const at::Tensor& host, c10::Device device) {
  if (device.is_cpu()) return host;
  return (device.is_cuda() ? host.pin_memory() : host).to(device, /*non_blocking=*/true);
}

void send_to_device(const at::Tensor& host, const at::Tensor& target) {
  target.copy_(target.is_cuda() ? host.pin_memory() : host, /*non_blocking=*/true);
}

at::Tensor start_copy_to_host(const at::Tensor& tensor) {
  return tensor.detach().to(at::kCPU, /*non_blocking=*/true, /*copy=*/true);
}

}  // namespace linformer
