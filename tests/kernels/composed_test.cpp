// The composed path, which other devices take, against the fused kernels: on the CPU, and on a CUDA
// device where there is one.
#include "kernels/composed.h"

#include "kernels/dropout_hash.h"
#include "torch_test_support.h"

#include "linformer/kernels/attention.h"
#include "linformer/kernels/depthwise_convolution.h"
#include "linformer/kernels/gelu.h"
#include "linformer/kernels/layer_norm.h"
#include "linformer/kernels/masked_lm_loss.h"

namespace linformer {
namespace {

using testing::relative_difference;

using Tensors = std::vector<at::Tensor>;
using Operation = std::function<at::Tensor(const Tensors&)>;

struct Outcome {
  at::Tensor value;
  Tensors gradients;
};

/// Value, and gradients of a random projection of it.
Outcome outcome_of(const Operation& operation, const Tensors& inputs) {
  Tensors leaves;
  for (const at::Tensor& input : inputs) {
    leaves.push_back(input.detach().clone().set_requires_grad(true));
  }
  const at::Tensor value = operation(leaves);
  at::manual_seed(99);
  const at::Tensor upstream = at::randn(value.sizes(), value.options());
  return {value.detach(), torch::autograd::grad({(value * upstream).sum()}, leaves)};
}

void expect_near(const Outcome& other, const Outcome& fused, double tolerance,
                 const std::string& what) {
  EXPECT_LT(relative_difference(other.value, fused.value), tolerance) << what;
  for (size_t i = 0; i < fused.gradients.size(); ++i) {
    EXPECT_LT(relative_difference(other.gradients[i], fused.gradients[i]), tolerance)
        << what << ", gradient of input " << i;
  }
}

/// Value and gradients on the CUDA device, brought back.
Outcome outcome_on_cuda(const Operation& operation, const Tensors& inputs) {
  Tensors leaves;
  for (const at::Tensor& input : inputs) {
    leaves.push_back(input.detach().to(at::kCUDA).set_requires_grad(true));
  }
  const at::Tensor value = operation(leaves);
  at::manual_seed(99);
  const at::Tensor upstream = at::randn(value.sizes(), value.options().device(at::kCPU));
  Outcome outcome{value.detach().cpu(),
                  torch::autograd::grad({(value * upstream.to(at::kCUDA)).sum()}, leaves)};
  for (at::Tensor& gradient : outcome.gradients) gradient = gradient.cpu();
  return outcome;
}

void expect_both_paths_equal(const Operation& operation, const Tensors& inputs, double tolerance,
                             const std::string& what) {
  const Outcome fused = outcome_of(operation, inputs);
  {
    const ComposedPath other;
    expect_near(outcome_of(operation, inputs), fused, tolerance, what);
  }
  if (at::globalContext().hasCUDA()) {
    expect_near(outcome_on_cuda(operation, inputs), fused, tolerance, what + ", on CUDA");
  }
}

TEST(ComposedPath, IsTakenOnlyWhereItIsAskedForOnTheCpu) {
  const at::Tensor x = at::zeros({1});
  EXPECT_FALSE(takes_composed_path(x));
  {
    const ComposedPath outer;
    EXPECT_TRUE(takes_composed_path(x));
    { const ComposedPath inner; }
    EXPECT_TRUE(takes_composed_path(x));
  }
  EXPECT_FALSE(takes_composed_path(x));
}

TEST(ComposedDropout, MasksAreTheFusedOnesToTheBit) {
  for (const uint64_t key : {0ULL, 5ULL, 0xffffffffffffffffULL, 0x123456789abcdef0ULL}) {
    for (const double probability : {0.0, 0.1, 0.5, 0.999}) {
      const DropoutSite site{probability, key};
      for (const auto type : {at::kFloat, at::kDouble}) {
        const at::Tensor fused = dropout_scale({70, 1000}, type, site);
        const at::Tensor composed = composed_dropout_scale({70, 1000}, type, site);
        EXPECT_TRUE(at::equal(fused, composed)) << key << " " << probability;
      }
    }
  }
}

TEST(ComposedDropout, ValuesAndGradientsAreEqualToTheBit) {
  at::manual_seed(1);
  const DropoutSite site{0.3, 0xfedcba9876543210ULL};
  const Operation operation = [&](const Tensors& in) { return dropout(in[0], site); };
  const Tensors inputs{at::randn({33, 65})};
  const Outcome fused = outcome_of(operation, inputs);
  const ComposedPath other;
  const Outcome composed = outcome_of(operation, inputs);
  EXPECT_TRUE(at::equal(composed.value, fused.value));
  EXPECT_TRUE(at::equal(composed.gradients[0], fused.gradients[0]));
}

TEST(CudaDropout, ValuesAndGradientsAreThoseOfTheCpuToTheBit) {
  if (!at::globalContext().hasCUDA()) GTEST_SKIP() << "this machine has no CUDA device";
  at::manual_seed(1);
  for (const double probability : {0.1, 0.5, 0.999}) {
    const DropoutSite site{probability, 0xfedcba9876543210ULL};
    const Operation operation = [&](const Tensors& in) { return dropout(in[0], site); };
    for (const auto type : {at::kFloat, at::kDouble}) {
      for (const std::vector<int64_t>& sizes :
           std::vector<std::vector<int64_t>>{{0}, {1}, {33, 65}, {1100, 1000}}) {
        const Tensors inputs{at::randn(sizes, type)};
        const Outcome cpu = outcome_of(operation, inputs);
        const Outcome cuda = outcome_on_cuda(operation, inputs);
        EXPECT_TRUE(at::equal(cuda.value, cpu.value))
            << at::IntArrayRef(sizes) << " " << probability;
        EXPECT_TRUE(at::equal(cuda.gradients[0], cpu.gradients[0]));
      }
    }
  }
}

TEST(ComposedGelu, EqualsTheFusedKernel) {
  at::manual_seed(2);
  for (const auto form : {GeluForm::kExact, GeluForm::kTanh}) {
    expect_both_paths_equal([&](const Tensors& in) { return bias_gelu(in[0], in[1], form); },
                            {at::randn({17, 40}) * 3, at::randn({40})}, 1e-5, "gelu");
  }
}

TEST(ComposedNorm, EqualsTheFusedKernelInBothOutputs) {
  at::manual_seed(3);
  const int64_t width = 48;
  const Tensors inputs{at::randn({21, width}, at::kDouble), at::randn({width}, at::kDouble),
                       at::randn({21, width}, at::kDouble), at::randn({width}, at::kDouble),
                       at::randn({width}, at::kDouble)};
  for (const double probability : {0.0, 0.2}) {
    const DropoutSite site{probability, 12};
    const auto run = [&](const Tensors& in, const at::Tensor& shift) {
      const ResidualNorm norm =
          bias_dropout_residual_layer_norm(in[0], in[1], in[2], in[3], shift, 1e-5, site);
      return at::cat({norm.sum, norm.normalized});
    };
    expect_both_paths_equal([&](const Tensors& in) { return run(in, in[4]); }, inputs, 1e-12,
                            "LayerNorm");
    expect_both_paths_equal([&](const Tensors& in) { return run(in, {}); },
                            {inputs.begin(), inputs.begin() + 4}, 1e-12, "RMSNorm");
  }
  expect_both_paths_equal([](const Tensors& in) { return layer_norm(in[0], in[1], in[2], 1e-5); },
                          {inputs[0], inputs[3], inputs[4]}, 1e-12, "without bias and residual");
}

TEST(ComposedAttention, EqualsTheFusedKernel) {
  at::manual_seed(4);
  const at::TensorOptions options = at::kDouble;
  at::Tensor mask = at::ones({2, 30}, at::kBool);
  mask[0].narrow(0, 20, 10).fill_(false);
  mask[1].narrow(0, 3, 9).fill_(false);
  at::Tensor none = mask.clone();
  none[1].fill_(false);  // no key at all: zeros
  for (const double probability : {0.0, 0.3}) {
    const DropoutSite site{probability, 21};
    for (const int64_t window : {0, 4}) {
      for (const at::Tensor& key_mask : {at::Tensor(), mask, none}) {
        expect_both_paths_equal(
            [&](const Tensors& in) {
              const at::Tensor on_device =
                  key_mask.defined() ? key_mask.to(in[0].device()) : key_mask;
              return dropout_attention(in[0], in[1], in[2], 2, on_device, site, window);
            },
            {at::randn({2, 30, 12}, options), at::randn({2, 30, 12}, options),
             at::randn({2, 30, 12}, options)},
            1e-10,
            "window " + std::to_string(window) + ", mask " + std::to_string(key_mask.defined()));
      }
    }
    expect_both_paths_equal(
        [&](const Tensors& in) { return dropout_attention(in[0], in[1], in[2], 3, {}, site); },
        {at::randn({2, 19, 12}, options), at::randn({2, 5, 12}, options),
         at::randn({2, 5, 12}, options)},
        1e-10, "more queries than keys");
  }
}

TEST(ComposedConvolution, EqualsTheFusedKernel) {
  at::manual_seed(5);
  for (const int64_t width : {1, 3, 9}) {
    expect_both_paths_equal(
        [](const Tensors& in) { return add_depthwise_convolution(in[0], in[1], in[2]); },
        {at::randn({2, 7, 6}, at::kDouble), at::randn({2, 7, 6}, at::kDouble),
         at::randn({6, 1, width}, at::kDouble)},
        1e-12, "width " + std::to_string(width));
  }
}

TEST(ComposedLoss, EqualsTheFusedKernel) {
  at::manual_seed(6);
  const at::Tensor labels = at::randint(50, {23}, at::kLong);
  const Tensors inputs{at::randn({23, 16}, at::kDouble), at::randn({50, 16}, at::kDouble),
                       at::randn({50}, at::kDouble)};
  expect_both_paths_equal(
      [&](const Tensors& in) {
        return linear_cross_entropy(in[0], in[1], in[2], labels.to(in[0].device()));
      },
      inputs, 1e-6, "loss");  // the fused exponential has a float's digits
  const at::Tensor fused = linear_cross_entropy_rows(inputs[0], inputs[1], inputs[2], labels);
  const ComposedPath other;
  EXPECT_LT(relative_difference(linear_cross_entropy_rows(inputs[0], inputs[1], inputs[2], labels),
                                fused),
            1e-6);
  EXPECT_EQ(
      linear_cross_entropy(inputs[0].narrow(0, 0, 0), inputs[1], inputs[2], labels.narrow(0, 0, 0))
          .item<double>(),
      0.0);
}

}  // namespace
}  // namespace linformer
