#include "linformer/kernels/tensor_memory.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "linformer/kernels/caching_allocator.h"

namespace linformer {
namespace {

void expect_peak_of_a_tensor(c10::Device device) {
  wait_for_device(device);
  reset_peak_tensor_memory(device);
  const int64_t before = tensor_memory(device).live_bytes;
  constexpr int64_t kNumbers = 1'100'001;
  {
    const at::Tensor a = at::empty({kNumbers}, at::TensorOptions().device(device));
    EXPECT_EQ(tensor_memory(device).live_bytes, before + 4 * kNumbers);
  }
  EXPECT_EQ(tensor_memory(device).live_bytes, before);
  EXPECT_EQ(tensor_memory(device).peak_bytes, before + 4 * kNumbers);
  release_cached_tensor_memory(device);
  reset_peak_tensor_memory(device);
  EXPECT_EQ(tensor_memory(device).peak_bytes, before);
}

TEST(TensorMemory, OfTheCpu) {
  install_caching_allocator();
  expect_peak_of_a_tensor(at::kCPU);
}

TEST(TensorMemory, OfCuda) {
  if (!at::globalContext().hasCUDA()) GTEST_SKIP() << "this machine has no CUDA device";
  expect_peak_of_a_tensor(c10::Device(at::kCUDA, 0));
}

}  // namespace
}  // namespace linformer
