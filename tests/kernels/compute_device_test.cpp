#include "linformer/kernels/compute_device.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "linformer/core/error.h"

namespace linformer {
namespace {

using ::testing::HasSubstr;

TEST(ComputeDevice, TheCpuIsAlwaysThere) {
  EXPECT_EQ(compute_device(DeviceChoice::kCpu), at::Device(at::kCPU));
  EXPECT_EQ(compute_device(DeviceChoice::kCpu, 7), at::Device(at::kCPU));
}

TEST(ComputeDevice, WithoutCudaAutoIsTheCpuAndCudaAnError) {
  if (at::globalContext().hasCUDA()) GTEST_SKIP() << "this machine has a CUDA device";
  EXPECT_EQ(compute_device(DeviceChoice::kAuto), at::Device(at::kCPU));
  try {
    compute_device(DeviceChoice::kCuda);
    FAIL() << "a device that is absent was given";
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(), HasSubstr("run.device: cuda, but LibTorch finds no CUDA device"));
  }
}

TEST(ComputeDevice, WithCudaEachProcessHasItsOwn) {
  if (!at::globalContext().hasCUDA()) GTEST_SKIP() << "this machine has no CUDA device";
  EXPECT_EQ(compute_device(DeviceChoice::kAuto), at::Device(at::kCUDA, 0));
  EXPECT_THROW(compute_device(DeviceChoice::kCuda, 1000), UsageError);
  EXPECT_TRUE(
      compute_device(DeviceChoice::kCuda, 1000, "run.device", DeviceSharing::kAllowed).is_cuda());
}

}  // namespace
}  // namespace linformer
