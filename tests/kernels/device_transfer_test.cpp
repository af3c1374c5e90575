#include "linformer/kernels/device_transfer.h"

#include <vector>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "linformer/kernels/tensor_memory.h"

namespace linformer {
namespace {

class DeviceTransfer : public ::testing::TestWithParam<at::DeviceType> {
 protected:
  void SetUp() override {
    if (GetParam() == at::kCUDA && !at::globalContext().hasCUDA()) {
      GTEST_SKIP() << "this machine has no CUDA device";
    }
  }
  c10::Device device() const {
    return GetParam() == at::kCUDA ? c10::Device(at::kCUDA, 0) : c10::Device(GetParam());
  }
};

TEST_P(DeviceTransfer, KeepsValuesTypesAndShapes) {
  const std::vector<at::Tensor> tensors{
      at::arange(12, at::kLong).view({3, 4}), at::tensor({1.5f, -2.0f}), at::empty({0, 4}),
      at::tensor({1, 0}, at::kLong).to(at::kBool), at::arange(6, at::kDouble).view({2, 3}).t()};
  for (const at::Tensor& tensor : tensors) {
    const at::Tensor sent = send_to_device(tensor, device());
    EXPECT_EQ(sent.device(), device());
    const at::Tensor back = start_copy_to_host(sent);
    wait_for_device(device());
    EXPECT_TRUE(back.device().is_cpu());
    EXPECT_EQ(back.scalar_type(), tensor.scalar_type());
    EXPECT_TRUE(at::equal(back, tensor)) << tensor;
  }
}

TEST_P(DeviceTransfer, TheSourceMayChangeAfterwards) {
  at::Tensor source = at::full({100'000}, 1.0);
  const at::Tensor sent = send_to_device(source, device());
  if (!device().is_cpu()) source.fill_(2.0);
  at::Tensor there = sent.clone();
  const at::Tensor back = start_copy_to_host(there);
  there.fill_(3.0);
  wait_for_device(device());
  EXPECT_EQ(back.max().item<double>(), 1.0);
  EXPECT_EQ(back.min().item<double>(), 1.0);
}

TEST(StartCopyToHost, HasNoPartInGradients) {
  const at::Tensor loss = at::ones({}).set_requires_grad(true) * 2;
  EXPECT_FALSE(start_copy_to_host(loss).requires_grad());
}

INSTANTIATE_TEST_SUITE_P(Devices, DeviceTransfer, ::testing::Values(at::kCPU, at::kCUDA),
                         [](const auto& each) { return c10::DeviceTypeName(each.param); });

}  // namespace
}  // namespace linformer
