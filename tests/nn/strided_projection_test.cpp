#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "torch_test_support.h"

#include "linformer/core/error.h"
#include "linformer/nn/self_attention.h"
#include "linformer/nn/sequence_projection.h"

namespace linformer {
namespace {

ModelConfig config_of(int64_t heads, int64_t n, int64_t k) {
  ModelConfig config;
  config.hidden_size = 2 * heads;
  config.num_attention_heads = heads;
  config.num_hidden_layers = 3;
  config.max_sequence_length = n;
  config.attention_probs_dropout_prob = 0.0;
  config.attention.projection = ProjectionType::kStrided;
  config.attention.sharing = SharingMode::kNone;
  config.attention.projected_length = k;
  return config;
}

ProjectionWeights weights_of(const ModelConfig& config, int64_t layer) {
  ParameterSet parameters(1);
  return make_projection_weights(config, layer, "self", parameters);
}

TEST(StridedProjection, HeadAndLayerSayWhichPositionsRowsPick) {
  const ModelConfig config = config_of(2, 6, 2);  // stride 3
  config.validate();
  for (const int64_t layer : {0, 1, 2}) {
    const ProjectionWeights weights = weights_of(config, layer);
    ASSERT_EQ(weights.E.sizes(), (std::vector<int64_t>{2, 2, 6}));
    for (const int64_t head : {0, 1}) {
      for (const int64_t row : {0, 1}) {
        at::Tensor expected = at::zeros({6});
        expected[3 * row + (head + layer) % 3] = 1.0;
        EXPECT_TRUE(at::equal(weights.E[head][row], expected)) << layer << head << row;
      }
    }
    EXPECT_TRUE(at::equal(weights.E, weights.F));
    EXPECT_FALSE(weights.shared_key_value());
  }
}

// A head attends to the tokens that its rows pick, and to no other.
TEST(StridedProjection, AHeadAttendsToItsTokens) {
  const ModelConfig config = config_of(2, 6, 2);
  ParameterSet parameters(1, at::kDouble);
  const SelfAttention strided(config, 1, "self", parameters, std::nullopt);
  const at::Tensor x = ParameterSet(9, at::kDouble).draw_normal("x", {1, 6, 4}, 1.0);
  ForwardContext context;
  const at::Tensor output = strided.forward(x, {}, context);
  for (const int64_t head : {0, 1}) {
    const at::Tensor picked = at::tensor({(head + 1) % 3, 3 + (head + 1) % 3}, at::kLong);
    for (int64_t query = 0; query < 6; ++query) {
      const auto project = [&](const std::string& name, const at::Tensor& rows) {
        return at::matmul(rows, parameters.get("self." + name + ".weight").t());
      };
      const at::Tensor q = project("query", x.narrow(1, query, 1));
      const at::Tensor k = project("key", x.index_select(1, picked));
      const at::Tensor v = project("value", x.index_select(1, picked));
      const auto of_head = [&](const at::Tensor& y) { return y.narrow(2, 2 * head, 2); };
      const at::Tensor scores = at::matmul(of_head(q), of_head(k).transpose(1, 2)) / std::sqrt(2.0);
      const at::Tensor expected = at::matmul(at::softmax(scores, -1), of_head(v));
      EXPECT_LT(testing::relative_difference(output.select(1, query).narrow(1, 2 * head, 2),
                                             expected.squeeze(1)),
                1e-12);
    }
  }
}

TEST(StridedProjection, FrozenMatricesNeedNoGradient) {
  ModelConfig config = config_of(2, 6, 2);
  EXPECT_TRUE(weights_of(config, 0).E.requires_grad());
  config.attention.train_projection = false;
  EXPECT_FALSE(weights_of(config, 0).E.requires_grad());
}

TEST(StridedProjection, ALongerModelGoesOnWithTheSameStride) {
  const ModelConfig config = config_of(2, 6, 2);
  const SequenceProjection& kind = sequence_projection(ProjectionType::kStrided);
  for (const int64_t layer : {0, 2}) {
    EXPECT_TRUE(at::equal(kind.tiled(weights_of(config, layer).E, 6, 18),
                          weights_of(config_of(2, 18, 6), layer).E));
  }
  EXPECT_THROW(kind.interpolated(weights_of(config, 0).E, 6, 12), UsageError);
}

}  // namespace
}  // namespace linformer
