#include "linformer/nn/sequence_projection.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "torch_test_support.h"

namespace linformer {
namespace {

ModelConfig config_of(int64_t n, int64_t k, ProjectionInit init, SharingMode sharing) {
  ModelConfig config;
  config.hidden_size = 4;
  config.num_attention_heads = 2;
  config.max_sequence_length = n;
  config.attention.projected_length = k;
  config.attention.init = init;
  config.attention.sharing = sharing;
  return config;
}

ProjectionWeights make(const ModelConfig& config) {
  ParameterSet parameters(1);
  return make_projection_weights(config, 0, "layer", parameters);
}

TEST(SequenceProjectionInit, OneLengthPerHeadStacksTheMatrices) {
  ModelConfig config = config_of(6, 3, ProjectionInit::kBlockAverage, SharingMode::kNone);
  config.attention.projected_length = NestedNumbers(OneOrMany<int64_t>(std::vector<int64_t>{3, 2}));
  const at::Tensor E = make(config).E;
  EXPECT_EQ(E.sizes(), (std::vector<int64_t>{5, 6}));
  // head 1: k = 2, blocks of three columns
  EXPECT_NEAR(E[3][2].item<double>(), 1.0 / 3, 0.012);
  EXPECT_NEAR(E[3][3].item<double>(), 0.0, 0.012);
}

TEST(SequenceProjectionInit, KernelsStartAsMeansOfTheirOwnChannel) {
  ModelConfig config = config_of(6, 3, ProjectionInit::kBlockAverage, SharingMode::kHeadwise);
  config.attention.projection = ProjectionType::kConv;
  EXPECT_EQ(make(config).E.sizes(), (std::vector<int64_t>{4, 1, 2}));
  EXPECT_NEAR(make(config).E[3][0][1].item<double>(), 0.5, 0.012);
  config.attention.convolution_mixing = ConvolutionMixing::kHead;
  const at::Tensor E = make(config).E;
  EXPECT_EQ(E.sizes(), (std::vector<int64_t>{4, 2, 2}));
  EXPECT_NEAR(E[3][1][0].item<double>(), 0.5, 0.012);
  EXPECT_NEAR(E[3][0][0].item<double>(), 0.0, 0.012);
  config.attention.projection = ProjectionType::kMeanPool;
  EXPECT_FALSE(make(config).E.defined());
}

TEST(SequenceProjectionInit, BlockAverageAndStridedRows) {
  const at::Tensor average =
      make(config_of(6, 3, ProjectionInit::kBlockAverage, SharingMode::kHeadwise)).E;
  const at::Tensor blocks =
      at::tensor({.5, .5, 0., 0., 0., 0., 0., 0., .5, .5, 0., 0., 0., 0., 0., 0., .5, .5})
          .view({3, 6});
  EXPECT_LT((average - blocks).abs().max().item<double>(), 0.012);  // six deviations of 0.002
  EXPECT_GT((average - blocks).abs().max().item<double>(), 0.0);
  const at::Tensor picks =
      make(config_of(6, 3, ProjectionInit::kStrided, SharingMode::kHeadwise)).E;
  // floor((i + 1/2) * 6 / 3) = 1, 3, 5
  EXPECT_TRUE(at::equal(picks.argmax(1), at::tensor({1, 3, 5}, at::kLong)));
  EXPECT_NEAR(picks.max().item<double>(), 1.0, 0.012);
}

TEST(SequenceProjectionInit, NormalAndJohnsonLindenstraussDeviations) {
  const at::Tensor normal =
      make(config_of(512, 64, ProjectionInit::kNormal, SharingMode::kHeadwise)).E;
  EXPECT_NEAR(normal.std().item<double>(), 0.02, 0.0005);
  const at::Tensor jl = make(config_of(512, 64, ProjectionInit::kJl, SharingMode::kHeadwise)).F;
  EXPECT_NEAR(jl.std().item<double>(), 0.125, 0.003);  // 1 / sqrt(64)
}

TEST(SequenceProjectionInit, SharingDecidesShapesAndIdentity) {
  const auto shape = [](SharingMode sharing) {
    return make(config_of(6, 3, ProjectionInit::kNormal, sharing));
  };
  EXPECT_EQ(shape(SharingMode::kNone).E.sizes(), (std::vector<int64_t>{2, 3, 6}));
  EXPECT_EQ(shape(SharingMode::kHeadwise).E.sizes(), (std::vector<int64_t>{3, 6}));
  EXPECT_FALSE(shape(SharingMode::kHeadwise).shared_key_value());
  EXPECT_TRUE(shape(SharingMode::kKeyValue).shared_key_value());
  EXPECT_TRUE(shape(SharingMode::kLayerwise).shared_key_value());
}

TEST(SequenceProjectionInit, FrozenProjectionsNeedNoGradient) {
  ModelConfig config = config_of(6, 3, ProjectionInit::kJl, SharingMode::kHeadwise);
  config.attention.train_projection = false;
  EXPECT_FALSE(make(config).E.requires_grad());
}

}  // namespace
}  // namespace linformer
