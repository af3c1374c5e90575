#include "linformer/kernels/attention.h"

#include "torch_test_support.h"

namespace linformer {
namespace {

using testing::expect_gradients_match;
using testing::relative_difference;

at::Tensor heads_of(const at::Tensor& x, int64_t heads) {
  return x.view({x.size(0), x.size(1), heads, -1}).transpose(1, 2);
}

/// The definition, step by step, with the same dropout mask.
at::Tensor reference(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, int64_t heads,
                     const at::Tensor& mask, const DropoutSite& site) {
  const double width = static_cast<double>(q.size(2) / heads);
  at::Tensor scores =
      at::matmul(heads_of(q, heads), heads_of(k, heads).transpose(2, 3)) / std::sqrt(width);
  if (mask.defined()) {
    scores = scores.masked_fill(mask.logical_not().unsqueeze(1).unsqueeze(1), -INFINITY);
  }
  at::Tensor p = at::softmax(scores, -1);
  if (site.probability > 0) p = p * dropout_scale(p.sizes(), p.scalar_type(), site);
  return at::matmul(p, heads_of(v, heads)).transpose(1, 2).reshape(q.sizes());
}

TEST(DropoutAttention, HandComputedWeights) {
  // One head of width 4, scale 1/2. q.k = (2 ln 3, 0) -> scores (ln 3, 0) -> weights (3/4, 1/4).
  const double ln3 = std::log(3.0);
  const at::Tensor q = at::tensor({2 * ln3, 0.0, 0.0, 0.0}, at::kDouble).view({1, 1, 4});
  const at::Tensor k =
      at::tensor({1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0}, at::kDouble).view({1, 2, 4});
  const at::Tensor v =
      at::tensor({4.0, 8.0, 0.0, 0.0, 0.0, 4.0, 12.0, 0.0}, at::kDouble).view({1, 2, 4});
  const at::Tensor out = dropout_attention(q, k, v, 1, {}, {});
  const at::Tensor expected = at::tensor({3.0, 7.0, 3.0, 0.0}, at::kDouble).view({1, 1, 4});
  EXPECT_LT((out - expected).abs().max().item<double>(), 1e-14);
}

TEST(DropoutAttention, EqualsTheDefinitionOverShapes) {
  at::manual_seed(6);
  for (const auto& [n, m] : std::vector<std::pair<int64_t, int64_t>>{
           {1, 1}, {5, 3}, {64, 16}, {130, 128}, {300, 70}, {200, 1000}}) {
    for (const double probability : {0.0, 0.3}) {
      const DropoutSite site{probability, 5};
      const at::Tensor q = at::randn({2, n, 24}), k = at::randn({2, m, 24});
      const at::Tensor v = at::randn({2, m, 24});
      EXPECT_LT(relative_difference(dropout_attention(q, k, v, 3, {}, site),
                                    reference(q, k, v, 3, {}, site)),
                2e-6)
          << n << " x " << m;
    }
  }
}

/// Keys at most window / 2 away.
at::Tensor band(int64_t n, int64_t window) {
  const at::Tensor i = at::arange(n, at::kLong);
  return (i.unsqueeze(1) - i.unsqueeze(0)).abs().le(window / 2);
}

/// Local attention by its definition; a query without a key gives 0.
at::Tensor local_reference(const std::vector<at::Tensor>& in, int64_t heads, int64_t window,
                           const at::Tensor& mask, const DropoutSite& site) {
  const double width = static_cast<double>(in[0].size(2) / heads);
  at::Tensor visible = band(in[0].size(1), window).unsqueeze(0).unsqueeze(0);
  if (mask.defined()) visible = visible.logical_and(mask.unsqueeze(1).unsqueeze(1));
  const at::Tensor scores =
      at::matmul(heads_of(in[0], heads), heads_of(in[1], heads).transpose(2, 3)) / std::sqrt(width);
  at::Tensor p = at::softmax(scores.masked_fill(visible.logical_not(), -1e300), -1);
  p = p.masked_fill(visible.logical_not(), 0.0);
  if (site.probability > 0) p = p * dropout_scale(p.sizes(), p.scalar_type(), site);
  return at::matmul(p, heads_of(in[2], heads)).transpose(1, 2).reshape(in[0].sizes());
}

TEST(LocalWindow, EqualsTheDefinitionWithItsGradients) {
  at::manual_seed(12);
  for (const int64_t n : {1, 7, 50, 130}) {
    for (const int64_t window : {2, 8, 40, 400}) {
      for (const double probability : {0.0, 0.3}) {
        std::vector<at::Tensor> in;
        for (int i = 0; i < 3; ++i) {
          in.push_back(at::randn({2, n, 8}, at::kDouble).set_requires_grad(true));
        }
        at::Tensor mask = at::ones({2, n}, at::kBool);
        mask[1].narrow(0, n - n / 3, n / 3).fill_(false);
        const at::Tensor upstream = at::randn({2, n, 8}, at::kDouble);
        const DropoutSite site{probability, 3};
        const at::Tensor ours = dropout_attention(in[0], in[1], in[2], 2, mask, site, window);
        const at::Tensor theirs = local_reference(in, 2, window, mask, site);
        EXPECT_LT(relative_difference(ours, theirs), 1e-12) << n << " " << window;
        const auto our_gradients = torch::autograd::grad({(ours * upstream).sum()}, in);
        const auto their_gradients = torch::autograd::grad({(theirs * upstream).sum()}, in);
        for (size_t i = 0; i < 3; ++i) {
          EXPECT_LT((our_gradients[i] - their_gradients[i]).abs().max().item<double>(), 1e-11)
              << n << " " << window << " input " << i;
        }
      }
    }
  }
}

TEST(DropoutAttention, GradientsMatchFiniteDifferences) {
  at::manual_seed(7);
  const at::TensorOptions options = at::kDouble;
  const at::Tensor upstream = at::randn({2, 5, 6}, options);
  const at::Tensor mask = at::tensor({1, 1, 0, 1, 1, 1, 1, 0}, at::kInt).view({2, 4}).to(at::kBool);
  for (const at::Tensor& key_mask : {at::Tensor(), mask}) {
    for (const double probability : {0.0, 0.3}) {
      expect_gradients_match(
          [&](const auto& in) {
            return (dropout_attention(in[0], in[1], in[2], 2, key_mask, {probability, 8}) *
                    upstream)
                .sum();
          },
          {at::randn({2, 5, 6}, options), at::randn({2, 4, 6}, options),
           at::randn({2, 4, 6}, options)});
    }
  }
}

TEST(DropoutAttention, FloatGradientsEqualTheDefinition) {
  at::manual_seed(8);
  const DropoutSite site{0.1, 77};
  std::vector<at::Tensor> in{at::randn({2, 150, 32}), at::randn({2, 40, 32}),
                             at::randn({2, 40, 32})};
  for (at::Tensor& t : in) t.set_requires_grad(true);
  const at::Tensor upstream = at::randn({2, 150, 32});
  const auto ours = torch::autograd::grad(
      {(dropout_attention(in[0], in[1], in[2], 4, {}, site) * upstream).sum()}, in);
  const auto expected =
      torch::autograd::grad({(reference(in[0], in[1], in[2], 4, {}, site) * upstream).sum()}, in);
  for (size_t i = 0; i < 3; ++i) EXPECT_LT(relative_difference(ours[i], expected[i]), 3e-6) << i;
}

TEST(DropoutAttention, MaskedKeysChangeNothingAndGetNoGradient) {
  at::manual_seed(9);
  at::Tensor q = at::randn({1, 4, 8}), k = at::randn({1, 6, 8}), v = at::randn({1, 6, 8});
  const at::Tensor mask = at::tensor({1, 1, 1, 0, 1, 0}, at::kInt).view({1, 6}).to(at::kBool);
  const at::Tensor before = dropout_attention(q, k, v, 2, mask, {});
  k[0][3] = 1000.0;
  v[0][5] = -1000.0;
  k.set_requires_grad(true);
  v.set_requires_grad(true);
  const at::Tensor after = dropout_attention(q, k, v, 2, mask, {});
  EXPECT_TRUE(at::equal(before, after));
  after.sum().backward();
  for (const int64_t i : {3, 5}) {
    EXPECT_EQ(k.grad()[0][i].abs().max().item<float>(), 0.0f);
    EXPECT_EQ(v.grad()[0][i].abs().max().item<float>(), 0.0f);
  }
}

TEST(DropoutAttention, ARowWithoutKeysGivesZero) {
  at::Tensor q = at::randn({1, 2, 4}).set_requires_grad(true);
  const at::Tensor k = at::randn({1, 3, 4}), v = at::randn({1, 3, 4});
  const at::Tensor out = dropout_attention(q, k, v, 1, at::zeros({1, 3}, at::kBool), {});
  EXPECT_EQ(out.abs().max().item<float>(), 0.0f);
  out.sum().backward();
  EXPECT_EQ(q.grad().abs().max().item<float>(), 0.0f);
}

}  // namespace
}  // namespace linformer
