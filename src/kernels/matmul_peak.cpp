#include "linformer/kernels/matmul_peak.h"

#include <chrono>

#include <ATen/ATen.h>

#include "cpu/weight_product.h"

#include "linformer/kernels/mixed_precision.h"
#include "linformer/kernels/precision_speed.h"

namespace linformer {

double measure_matmul_peak(Precision asked, c10::Device device) {
  const Precision precision = MixedPrecision(asked).precision();
  if (precision != Precision::kFp32 && device.is_cpu()) {
    constexpr double kSlow = 2e10;  // FLOP/s, at which 2048 x 2048 takes a second
    const double speed = measure_precision_speed(precision).low_flops;
    if (speed < kSlow) return speed;
  }
  using Clock = std::chrono::steady_clock;
  const int64_t size = device.is_cpu() ? 2048 : 8192;  // a GPU is done with 2048 at once
  constexpr int kRepeats = 5;
  const at::NoGradGuard no_grad;
  const at::Tensor a = at::full({size, size}, 0.5f).to(device, MixedPrecision(precision).type());
  const at::Tensor b = at::full({size, size}, 0.25f).to(device, a.scalar_type());
  double best = 0.0;
  for (int i = 0; i <= kRepeats; ++i) {
    const auto start = Clock::now();
    const at::Tensor product =
        device.is_cpu() ? cpu::multiply_as_layers_do(a, b) : at::mm(a, b.t());
    // Other devices than the CPU continue after the call returns.
    if (!device.is_cpu()) product[0][0].item<double>();
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    if (i == 0) continue;  // touches the pages and starts threads
    best = std::max(best, 2.0 * static_cast<double>(size * size * size) / seconds);
  }
  return best;
}

}  // namespace linformer
