#include "linformer/nn/self_attention.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "nn/attention_variants.h"
#include "torch_test_support.h"

#include "linformer/kernels/caching_allocator.h"

namespace linformer {
namespace {

using testing::relative_difference;

ModelConfig config_of(AttentionType type, int64_t width, int64_t heads, int64_t n, int64_t k) {
  ModelConfig config;
  config.hidden_size = width;
  config.num_attention_heads = heads;
  config.max_sequence_length = n;
  config.attention_probs_dropout_prob = 0.0;
  config.attention.type = type;
  config.attention.projected_length = k;
  return config;
}

/// One attention with its parameters, in double precision.
struct Layer {
  explicit Layer(const ModelConfig& config, uint64_t seed = 1)
      : parameters(seed, at::kDouble), attention(config, 0, "self", parameters, std::nullopt) {
    const at::NoGradGuard no_grad;
    // Starts that do something: large matrices, biases that are not zero.
    for (const Parameter& parameter : parameters.all()) {
      const at::Tensor draw =
          parameters.draw_normal(parameter.name + "?", parameter.tensor.sizes(), 0.5);
      parameter.tensor.detach().copy_(draw);
    }
  }

  void set(const std::string& name, const at::Tensor& value) {
    parameters.get("self." + name).detach().copy_(value);
  }

  at::Tensor operator()(const at::Tensor& hidden, const at::Tensor& mask = {}) const {
    ForwardContext evaluation;
    return attention.forward(hidden, mask, evaluation);
  }

  ParameterSet parameters;
  SelfAttention attention;
};

at::Tensor hidden_of(int64_t batch, int64_t length, int64_t width) {
  ParameterSet draws(9, at::kDouble);
  return draws.draw_normal("hidden", {batch, length, width}, 1.0);
}

/// Query, key and value as they come: W = 1, b = 0.
void make_plain(Layer& layer, int64_t width) {
  for (const char* name : {"query", "key", "value"}) {
    layer.set(std::string(name) + ".weight", at::eye(width, at::kDouble));
    layer.set(std::string(name) + ".bias", at::zeros({width}, at::kDouble));
  }
}

TEST(SelfAttention, StandardByHand) {
  Layer layer(config_of(AttentionType::kStandard, 1, 1, 2, 1));
  make_plain(layer, 1);
  // x = (0, ln 3), width 1. Query 0: scores 0, 0, so the mean, ln 3 / 2.
  // Query ln 3: scores 0 and (ln 3)^2; weight of x1 = 1 / (1 + exp(-(ln 3)^2)).
  const double ln3 = std::log(3.0);
  const at::Tensor output = layer(at::tensor({0.0, ln3}, at::kDouble).view({1, 2, 1}));
  EXPECT_NEAR(output[0][0][0].item<double>(), ln3 / 2, 1e-12);
  EXPECT_NEAR(output[0][1][0].item<double>(), ln3 / (1 + std::exp(-ln3 * ln3)), 1e-12);
}

TEST(SelfAttention, LinformerByHand) {
  Layer layer(config_of(AttentionType::kLinformer, 1, 1, 3, 2));
  make_plain(layer, 1);
  layer.set("E", at::tensor({1., 1., 0., 0., 0., 0.}, at::kDouble).view({2, 3}));
  layer.set("F", at::tensor({0., 0., 6., 2., 0., 0.}, at::kDouble).view({2, 3}));
  // x = (1, 0, 1): keys E x = (1, 0), values F x = (6, 2). Query 1: softmax(1, 0) = s, 1 - s with
  // s = 1 / (1 + 1/e), so 6 s + 2 (1 - s) = 2 + 4 s. Query 0: the mean, 4.
  const at::Tensor output = layer(at::tensor({1., 0., 1.}, at::kDouble).view({1, 3, 1}));
  const double s = 1 / (1 + std::exp(-1.0));
  EXPECT_NEAR(output[0][0][0].item<double>(), 2 + 4 * s, 1e-12);
  EXPECT_NEAR(output[0][1][0].item<double>(), 4.0, 1e-12);
}

TEST(SelfAttention, OrdersDifferByWhatTheBiasMeets) {
  ModelConfig config = config_of(AttentionType::kLinformer, 1, 1, 2, 1);
  for (const auto order : {ProjectionOrder::kFeaturesFirst, ProjectionOrder::kSequenceFirst}) {
    config.attention.order = order;
    Layer layer(config);
    make_plain(layer, 1);
    layer.set("value.bias", at::tensor({10.}, at::kDouble));
    layer.set("F", at::tensor({1., 2.}, at::kDouble).view({1, 2}));
    const at::Tensor output = layer(at::tensor({3., 4.}, at::kDouble).view({1, 2, 1}));
    // One key, so the value itself: F x = 11; the bias is added once, or (1 + 2) times.
    const double expected = order == ProjectionOrder::kSequenceFirst ? 21.0 : 41.0;
    EXPECT_NEAR(output[0][0][0].item<double>(), expected, 1e-12);
  }
}

TEST(SelfAttention, ValueConvolutionByHand) {
  ModelConfig config = config_of(AttentionType::kStandard, 1, 1, 3, 1);
  config.attention.value_convolution = 3;
  Layer layer(config);
  make_plain(layer, 1);
  layer.set("query.weight", at::zeros({1, 1}, at::kDouble));  // all weights equal: the mean
  layer.set("value_convolution.weight", at::tensor({100., 10., 1.}, at::kDouble).view({1, 1, 3}));
  const at::Tensor output = layer(at::tensor({1., 2., 6.}, at::kDouble).view({1, 3, 1})).flatten();
  // mean 3; taps on the left, middle, right: 10 + 2, 100 + 20 + 6, 200 + 60
  EXPECT_TRUE(at::allclose(output, at::tensor({15., 129., 263.}, at::kDouble)));
}

TEST(SelfAttention, PoolingAndConvolutionByHand) {
  // n = 4, k = 2, window 2; x = (1, 3, 2, padding); query 0, so the output is the mean of the two
  // projected values.
  const std::tuple<ProjectionType, double, double> cases[] = {
      {ProjectionType::kMeanPool, 2.0, 2.0},  // (1 + 3) / 2; 2 alone
      {ProjectionType::kMaxPool, 3.0, 2.0},
      {ProjectionType::kConv, 31.0, 2.0}};  // taps (1, 10): 1 + 30; 2 + 0
  for (const auto& [projection, first, second] : cases) {
    ModelConfig config = config_of(AttentionType::kLinformer, 1, 1, 4, 2);
    config.attention.projection = projection;
    Layer layer(config);
    make_plain(layer, 1);
    layer.set("query.weight", at::zeros({1, 1}, at::kDouble));
    if (projection == ProjectionType::kConv) {
      layer.set("F", at::tensor({1., 10.}, at::kDouble).view({1, 1, 2}));
    }
    const at::Tensor mask = at::tensor({1, 1, 1, 0}).view({1, 4}).to(at::kBool);
    const at::Tensor output =
        layer(at::tensor({1., 3., 2., 99.}, at::kDouble).view({1, 4, 1}), mask);
    EXPECT_NEAR(output[0][0][0].item<double>(), (first + second) / 2, 1e-12) << name_of(projection);
  }
}

TEST(SelfAttention, LocalWindowByHand) {
  ModelConfig config = config_of(AttentionType::kLocalWindow, 1, 1, 4, 1);
  config.attention.attention_window = 2;
  Layer layer(config);
  make_plain(layer, 1);
  layer.set("query.weight", at::zeros({1, 1}, at::kDouble));
  const at::Tensor output = layer(at::tensor({2., 4., 9., 5.}, at::kDouble).view({1, 4, 1}));
  // means of (2, 4), (2, 4, 9), (4, 9, 5), (9, 5)
  EXPECT_TRUE(at::allclose(output.flatten(), at::tensor({3., 5., 6., 7.}, at::kDouble)));
}

TEST(SelfAttention, AWindowAsWideAsTheSequenceIsStandardAttention) {
  ModelConfig config = config_of(AttentionType::kLocalWindow, 8, 2, 5, 1);
  config.attention.attention_window = 8;
  const Layer local(config);
  config.attention.type = AttentionType::kStandard;
  const Layer standard(config);
  const at::Tensor x = hidden_of(2, 5, 8);
  EXPECT_LT(relative_difference(local(x), standard(x)), 1e-12);
}

TEST(SelfAttention, EqualLengthsGivenPerHeadAreOneLength) {
  ModelConfig config = config_of(AttentionType::kLinformer, 8, 2, 5, 3);
  config.attention.sharing = SharingMode::kNone;
  const Layer one(config);
  config.attention.projected_length = NestedNumbers(OneOrMany<int64_t>(std::vector<int64_t>{3, 3}));
  const Layer listed(config);
  const at::Tensor x = hidden_of(2, 5, 8);
  EXPECT_TRUE(at::equal(one(x), listed(x)));
}

TEST(SelfAttention, HeadsWithTheirOwnLengthAreEachTheirOwnAttention) {
  // Heads of k = 3 and 2 in one layer, against layers in which every head has that k.
  ModelConfig config = config_of(AttentionType::kLinformer, 8, 2, 5, 3);
  config.attention.sharing = SharingMode::kNone;
  config.attention.projected_length = NestedNumbers(OneOrMany<int64_t>(std::vector<int64_t>{3, 2}));
  const Layer mixed(config);
  const at::Tensor x = hidden_of(2, 5, 8);
  const at::Tensor expected = mixed(x);
  int64_t first_row = 0;
  for (const int64_t head : {0, 1}) {
    const int64_t k = head == 0 ? 3 : 2;
    config.attention.projected_length = k;
    Layer alone(config);
    for (const char* name : {"E", "F"}) {
      const at::Tensor rows =
          mixed.parameters.get(std::string("self.") + name).detach().narrow(0, first_row, k);
      alone.set(name, at::stack({rows, rows}));
    }
    EXPECT_LT(relative_difference(alone(x).narrow(2, head * 4, 4), expected.narrow(2, head * 4, 4)),
              1e-12);
    first_row += k;
  }
}

TEST(SelfAttention, MeanPoolingIsABlockAverageMatrix) {
  for (const auto order : {ProjectionOrder::kFeaturesFirst, ProjectionOrder::kSequenceFirst}) {
    ModelConfig config = config_of(AttentionType::kLinformer, 8, 2, 6, 3);
    config.attention.order = order;
    Layer matrix(config);
    const at::Tensor blocks =
        at::tensor({.5, .5, 0., 0., 0., 0., 0., 0., .5, .5, 0., 0., 0., 0., 0., 0., .5, .5},
                   at::kDouble)
            .view({3, 6});
    matrix.set("E", blocks);
    matrix.set("F", blocks);
    config.attention.projection = ProjectionType::kMeanPool;
    const Layer pooled(config);
    const at::Tensor x = hidden_of(2, 6, 8);
    EXPECT_LT(relative_difference(pooled(x), matrix(x)), 1e-12);
  }
}

TEST(SelfAttention, AConvolutionWithEqualTapsIsMeanPooling) {
  for (const auto mixing : {ConvolutionMixing::kDepthwise, ConvolutionMixing::kHead}) {
    ModelConfig config = config_of(AttentionType::kLinformer, 8, 2, 6, 3);
    config.attention.projection = ProjectionType::kConv;
    config.attention.convolution_mixing = mixing;
    Layer convolution(config);
    const bool mixes = mixing == ConvolutionMixing::kHead;
    at::Tensor taps = at::full({8, mixes ? 4 : 1, 2}, 0.5, at::kDouble);
    if (mixes) taps = taps * at::eye(4, at::kDouble).repeat({2, 1}).unsqueeze(-1);
    convolution.set("E", taps);
    convolution.set("F", taps);
    config.attention.projection = ProjectionType::kMeanPool;
    const Layer pooled(config);
    const at::Tensor x = hidden_of(2, 6, 8);
    EXPECT_LT(relative_difference(convolution(x), pooled(x)), 1e-12);
  }
}

TEST(SelfAttention, IdentityProjectionIsStandardAttention) {
  for (const auto order : {ProjectionOrder::kFeaturesFirst, ProjectionOrder::kSequenceFirst}) {
    ModelConfig config = config_of(AttentionType::kLinformer, 8, 2, 5, 5);
    config.attention.order = order;
    Layer linformer(config);
    linformer.set("E", at::eye(5, at::kDouble));
    linformer.set("F", at::eye(5, at::kDouble));
    config.attention.type = AttentionType::kStandard;
    const Layer standard(config);  // the same draws, since they depend on the names alone
    const at::Tensor x = hidden_of(2, 5, 8);
    EXPECT_LT(relative_difference(linformer(x), standard(x)), 1e-12);
  }
}

TEST(SelfAttention, EqualMatricesAreKeyValueSharing) {
  ModelConfig config = config_of(AttentionType::kLinformer, 8, 2, 5, 3);
  Layer headwise(config);
  headwise.set("F", headwise.parameters.get("self.E").detach());
  config.attention.sharing = SharingMode::kKeyValue;
  const Layer key_value(config);
  const at::Tensor x = hidden_of(2, 5, 8);
  EXPECT_LT(relative_difference(headwise(x), key_value(x)), 1e-12);
}

TEST(SelfAttention, CopiesAHeadAreHeadwiseSharing) {
  ModelConfig config = config_of(AttentionType::kLinformer, 8, 2, 5, 3);
  const Layer headwise(config);
  config.attention.sharing = SharingMode::kNone;
  Layer per_head(config);
  for (const char* name : {"E", "F"}) {
    per_head.set(name, headwise.parameters.get(std::string("self.") + name).detach());
  }
  const at::Tensor x = hidden_of(2, 5, 8);
  EXPECT_LT(relative_difference(per_head(x), headwise(x)), 1e-12);
}

TEST(SelfAttention, OrdersAgreeWithoutBiases) {
  ModelConfig base = config_of(AttentionType::kLinformer, 8, 2, 8, 4);
  base.num_hidden_layers = 1;
  for (ModelConfig config : testing::attention_variants(base)) {
    const AttentionConfig& attention = config.attention;
    const bool linear = attention.projection == ProjectionType::kLinear ||
                        attention.projection == ProjectionType::kMeanPool;
    if (!linear || !config.has_linformer_layer() ||
        attention.order == ProjectionOrder::kSequenceFirst ||
        attention.sharing == SharingMode::kLayerwise) {
      continue;
    }
    SCOPED_TRACE(testing::describe(config));
    Layer features(config);
    config.attention.order = ProjectionOrder::kSequenceFirst;
    Layer sequence(config);
    const at::Tensor x = hidden_of(2, 5, 8);  // shorter than n: some windows are empty
    EXPECT_GT(relative_difference(features(x), sequence(x)), 1e-5);
    for (Layer* layer : {&features, &sequence}) {
      layer->set("key.bias", at::zeros({8}, at::kDouble));
      layer->set("value.bias", at::zeros({8}, at::kDouble));
    }
    EXPECT_LT(relative_difference(features(x), sequence(x)), 1e-12);
  }
}

TEST(SelfAttention, SequencesUpToKGoThroughTheMatricesBeforeEAndGiveTheSame) {
  // Alone, two tokens are fewer than k = 3 and go through W first; padded to five, E comes first.
  for (const auto order : {ProjectionOrder::kFeaturesFirst, ProjectionOrder::kSequenceFirst}) {
    for (const auto sharing : {SharingMode::kHeadwise, SharingMode::kKeyValue}) {
      for (const bool rescale : {false, true}) {
        ModelConfig config = config_of(AttentionType::kLinformer, 8, 2, 5, 3);
        config.attention.order = order;
        config.attention.sharing = sharing;
        config.attention.rescale_padding = rescale;
        const Layer layer(config);
        const at::Tensor x = hidden_of(2, 2, 8);
        const at::Tensor padded = at::cat({x, at::full({2, 3, 8}, 7.0, at::kDouble)}, 1);
        const at::Tensor mask = at::arange(5).lt(2).expand({2, 5});
        EXPECT_LT(relative_difference(layer(x, at::ones({2, 2}, at::kBool)),
                                      layer(padded, mask).narrow(1, 0, 2)),
                  1e-12);
      }
    }
  }
}

TEST(SelfAttention, OnlyTheLinformerSeesTheOrderOfKeys) {
  const at::Tensor x = hidden_of(1, 5, 8);
  const at::Tensor order = at::tensor({3, 0, 4, 1, 2}, at::kLong);
  const auto moved = [&](const Layer& layer) {
    return relative_difference(layer(x.index_select(1, order)), layer(x).index_select(1, order));
  };
  EXPECT_LT(moved(Layer(config_of(AttentionType::kStandard, 8, 2, 5, 3))), 1e-12);
  EXPECT_GT(moved(Layer(config_of(AttentionType::kLinformer, 8, 2, 5, 3))), 1e-2);
}

TEST(SelfAttention, UnfusedAttentionWritesTheMatricesOut) {
  install_caching_allocator();
  const int64_t n = 256, heads = 4, batch = 2;
  for (const AttentionType type : {AttentionType::kStandard, AttentionType::kLinformer}) {
    const int64_t k = type == AttentionType::kStandard ? n : n / 4;
    ParameterSet parameters(1);  // in float, since the fused kernel serves no double
    const SelfAttention attention(config_of(type, 32, heads, n, n / 4), 0, "self", parameters,
                                  std::nullopt);
    const at::Tensor x = parameters.draw_normal("x", {batch, n, 32}, 1.0);
    const at::NoGradGuard no_grad;
    const auto run = [&](bool unfused) {
      ForwardContext evaluation;
      evaluation.set_unfused_attention(unfused);
      reset_peak_memory();
      at::Tensor output = attention.forward(x, {}, evaluation);
      return std::pair(output, memory_use().peak_requested_bytes);
    };
    const auto [fused, fused_peak] = run(false);
    const auto [unfused, unfused_peak] = run(true);
    EXPECT_LT(relative_difference(unfused, fused), 1e-5) << name_of(type);
    // Scores and probabilities, n x k floats each, beside what both need.
    const int64_t matrices = 2 * batch * heads * n * k * 4;
    EXPECT_GT(static_cast<int64_t>(unfused_peak), matrices) << name_of(type);
    if (type == AttentionType::kStandard) {
      EXPECT_GT(unfused_peak, fused_peak);
    }
  }
}

TEST(SelfAttention, GradientsMatchDifferencesInEveryVariant) {
  ModelConfig base = config_of(AttentionType::kStandard, 4, 2, 4, 2);
  base.num_hidden_layers = 1;
  for (const ModelConfig& config : testing::attention_variants(base)) {
    if (config.attention.sharing == SharingMode::kLayerwise) continue;  // key_value's, shared
    const Layer layer(config);
    const at::Tensor mask = at::tensor({1, 1, 1, 1, 1, 1, 1, 0}).view({2, 4}).to(at::kBool);
    const at::Tensor weights = hidden_of(2, 4, 4).flip(0);
    std::vector<at::Tensor> leaves{hidden_of(2, 4, 4).requires_grad_()};
    for (const Parameter& parameter : layer.parameters.all()) leaves.push_back(parameter.tensor);
    SCOPED_TRACE(testing::describe(config));
    testing::expect_leaf_gradients_match(
        [&] {
          return (layer(leaves[0], mask) * weights).masked_fill(~mask.unsqueeze(-1), 0).sum();
        },
        leaves);
  }
}

}  // namespace
}  // namespace linformer
