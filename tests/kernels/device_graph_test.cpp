// Recorded work, and dropout whose key is read when the work is repeated.
#include "linformer/kernels/device_graph.h"

#include <functional>
#include <string>

#include "kernels/reference_path.h"
#include "torch_test_support.h"

#include "linformer/kernels/attention.h"
#include "linformer/kernels/device_transfer.h"
#include "linformer/kernels/layer_norm.h"

namespace linformer {
namespace {

struct Operation {
  std::string name;
  std::function<at::Tensor(const at::Tensor& x, const DropoutSite& site)> apply;
};

// x is (12, 8): 3 sequences of 4 rows, 2 heads of width 4.
const std::vector<Operation>& operations() {
  static const std::vector<Operation> all{
      {"dropout", [](const at::Tensor& x, const DropoutSite& site) { return dropout(x, site); }},
      {"norm",
       [](const at::Tensor& x, const DropoutSite& site) {
         const at::Tensor one = at::ones({8}, x.options());
         const ResidualNorm norm =
             bias_dropout_residual_layer_norm(x, one, x, one, one, 1e-5, site);
         return norm.normalized + norm.sum;
       }},
      {"attention",
       [](const at::Tensor& x, const DropoutSite& site) {
         const PackedRows rows = all_rows(3, 4);
         return dropout_attention(x, x, x, 2, rows, rows, site);
       }},
  };
  return all;
}

class DeviceGraphTest : public ::testing::TestWithParam<at::DeviceType> {
 protected:
  void SetUp() override {
    if (GetParam() == at::kCUDA && !at::globalContext().hasCUDA()) {
      GTEST_SKIP() << "this machine has no CUDA device";
    }
  }
  c10::Device device() const {
    return {GetParam(), GetParam() == at::kCUDA ? int8_t{0} : int8_t{-1}};
  }

  /// (2, 12, 8): the result and the gradient of its sum of squares.
  at::Tensor outcome(const Operation& operation, const at::Tensor& values,
                     const DropoutSite& site) const {
    at::Tensor x = values.detach().clone().set_requires_grad(true);
    const at::Tensor y = operation.apply(x, site);
    const auto gradient = torch::autograd::grad({y.square().sum()}, {x});
    return at::stack({y.detach(), gradient.front()});
  }

  void expect_each_replay_has_its_key() {
    at::manual_seed(3);
    const at::Tensor start = at::randn({12, 8}).to(device());
    for (const Operation& operation : operations()) {
      at::Tensor x = start.clone();
      const at::Tensor keys = at::zeros({2}, x.options().dtype(at::kLong));
      const at::Tensor result = at::zeros({2, 12, 8}, x.options());
      const DropoutSite stored{0.4, 0, keys.const_data_ptr<int64_t>() + 1};
      outcome(operation, x, stored);  // what a first call sets up is not recorded
      const auto graph = make_device_graph(device());
      graph->record([&] { result.copy_(outcome(operation, x, stored)); });
      at::Tensor last;
      // With both halves of the key, the highest bit included.
      for (const uint64_t key : {7ULL, 7ULL << 32, 0xfedcba9876543210ULL, 7ULL}) {
        send_to_device(at::tensor({int64_t{99}, static_cast<int64_t>(key)}, at::kLong), keys);
        x.add_(1.0);  // inputs may change too
        graph->replay();
        EXPECT_TRUE(at::equal(result, outcome(operation, x, {0.4, key})))
            << operation.name << ", key " << key;
        EXPECT_FALSE(last.defined() && at::equal(result, last)) << operation.name;
        last = result.clone();
      }
    }
  }
};

TEST_P(DeviceGraphTest, EachReplayHasTheMasksOfItsKey) {
  expect_each_replay_has_its_key();
}

TEST_P(DeviceGraphTest, SoHasTheReferencePath) {
  const ReferencePath path;
  expect_each_replay_has_its_key();
}

TEST_P(DeviceGraphTest, RecordingComputesNothing) {
  const at::Tensor x = at::zeros({4}, at::TensorOptions().device(device()));
  const auto graph = make_device_graph(device());
  graph->record([&] { x.add_(1.0); });
  EXPECT_EQ(x.sum().item<double>(), 0.0);
  for (int i = 0; i < 3; ++i) graph->replay();
  EXPECT_EQ(x.sum().item<double>(), 12.0);
}

TEST_P(DeviceGraphTest, AfterAFailedRecordingOtherWorkRuns) {
  const at::Tensor x = at::ones({4}, at::TensorOptions().device(device()));
  const auto graph = make_device_graph(device());
  const auto work = [&] {
    x.add_(1.0);
    if (x.sum().item<double>() >= 0.0) throw std::runtime_error("waited for the device");
  };
  EXPECT_ANY_THROW({
    graph->record(work);
    graph->replay();
  });
  EXPECT_EQ(at::ones({4}, x.options()).sum().item<double>(), 4.0);
}

INSTANTIATE_TEST_SUITE_P(Devices, DeviceGraphTest, ::testing::Values(at::kCPU, at::kCUDA),
                         [](const auto& device) { return c10::DeviceTypeName(device.param); });

}  // namespace
}  // namespace linformer
