#include "linformer/analysis/attention_matrices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/attention_variants.h"
#include "nn/tiny_model.h"
#include "torch_test_support.h"

namespace linformer {
namespace {

using testing::relative_difference;

/// A model in double precision whose every parameter does something: no bias is 0.
Model busy_model(const ModelConfig& config) {
  Model model(config, 5, at::kDouble);
  const at::NoGradGuard no_grad;
  for (const Parameter& parameter : model.parameters().all()) {
    if (parameter.kind != ParameterKind::kBias && parameter.kind != ParameterKind::kNorm) continue;
    parameter.tensor.detach().add_(
        model.parameters().draw_normal(parameter.name + "?", parameter.tensor.sizes(), 0.5));
  }
  return model;
}

std::vector<LayerAttention> attention_of(const Model& model, const EncoderInput& input) {
  std::vector<LayerAttention> layers;
  visit_attention(model, input, [&](int64_t layer, const LayerAttention& attention) {
    EXPECT_EQ(layer, static_cast<int64_t>(layers.size()));
    layers.push_back(attention);
  });
  return layers;
}

/// The rest of a layer in plain operations, from the heads' output to the next hidden state.
class PlainLayer {
 public:
  PlainLayer(const Model& model, int64_t layer)
      : model_(model),
        pre_(model.config().norm_position == NormPosition::kPre),
        last_(layer + 1 == model.config().num_hidden_layers),
        prefix_("roberta.encoder.layer." + std::to_string(layer) + ".") {}

  at::Tensor operator()(const at::Tensor& stream, const at::Tensor& heads) const {
    const at::Tensor attention = affine(heads, "attention.output.dense");
    at::Tensor x = stream + attention;
    if (!pre_) x = norm(x, prefix_ + "attention.output.LayerNorm");
    const at::Tensor input = pre_ ? norm(x, prefix_ + "output.LayerNorm") : x;
    const at::Tensor y = x + affine(at::gelu(affine(input, "intermediate.dense")), "output.dense");
    if (!pre_) return norm(y, prefix_ + "output.LayerNorm");
    return last_ ? norm(y, "roberta.encoder.LayerNorm") : y;
  }

  /// What the value convolution adds: taps (C, 1, W) over the positions of V, which is 0 outside.
  at::Tensor convolution(const at::Tensor& value, const at::Tensor& mask) const {
    const at::Tensor taps =
        model_.parameters().get(prefix_ + "attention.self.value_convolution.weight").detach();
    const at::Tensor valid =
        mask.defined() ? value.masked_fill(mask.logical_not().unsqueeze(-1), 0.0) : value;
    return at::conv1d(valid.transpose(1, 2), taps, {}, /*stride=*/1, taps.size(2) / 2,
                      /*dilation=*/1, taps.size(0))
        .transpose(1, 2);
  }

 private:
  at::Tensor affine(const at::Tensor& x, const std::string& name) const {
    return at::linear(x, model_.parameters().get(prefix_ + name + ".weight").detach(),
                      model_.parameters().get(prefix_ + name + ".bias").detach());
  }
  at::Tensor norm(const at::Tensor& x, const std::string& name) const {
    return at::layer_norm(x, {x.size(2)}, model_.parameters().get(name + ".weight").detach(),
                          model_.parameters().get(name + ".bias").detach(),
                          model_.config().layer_norm_eps);
  }

  const Model& model_;
  bool pre_;
  bool last_;
  std::string prefix_;
};

at::Tensor joined(const std::vector<HeadAttention>& heads, bool values = false) {
  std::vector<at::Tensor> parts;
  for (const HeadAttention& head : heads) {
    parts.push_back(values ? head.value : at::matmul(head.probabilities(), head.value));
  }
  return at::cat(parts, 2);
}

/// P V, the output matrix and the rest of the layer, written out, give the encoder's next state.
void expect_layers_follow_from_matrices(const Model& model, const EncoderInput& input) {
  const at::NoGradGuard no_grad;
  ForwardContext evaluation;
  std::vector<at::Tensor> states;
  model.encoder().forward(input, evaluation, &states);
  const std::vector<LayerAttention> layers = attention_of(model, input);
  ASSERT_EQ(layers.size() + 1, states.size());
  for (size_t l = 0; l < layers.size(); ++l) {
    const PlainLayer rest(model, static_cast<int64_t>(l));
    EXPECT_EQ(layers[l].type, model.config().attention_type(static_cast<int64_t>(l)));
    at::Tensor heads = joined(layers[l].heads);
    if (model.config().attention.value_convolution > 0) {
      heads = heads + rest.convolution(joined(layers[l].full, true), input.mask);
    }
    at::Tensor expected = rest(states[l], heads);
    at::Tensor state = states[l + 1];
    if (input.mask.defined()) {
      expected = expected.index({input.mask});
      state = state.index({input.mask});
    }
    EXPECT_LT(relative_difference(expected, state), 1e-11) << "layer " << l;
  }
}

std::vector<ModelConfig> variants() {
  std::vector<ModelConfig> all;
  for (const auto norm : {NormPosition::kPost, NormPosition::kPre}) {
    ModelConfig base = tiny_model();
    base.num_hidden_layers = 2;
    base.norm_position = norm;
    for (const ModelConfig& config : testing::attention_variants(base)) all.push_back(config);
  }
  return all;
}

TEST(AttentionMatrices, LayersFollowFromThemInEveryVariant) {
  const at::Tensor ids = at::tensor({0, 5, 7, 9, 6, 8, 5, 2, 0, 6, 6, 7, 8, 9, 7, 2}).view({2, 8});
  const at::Tensor mask =
      at::tensor({1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0}).view({2, 8}).to(at::kBool);
  for (const ModelConfig& config : variants()) {
    SCOPED_TRACE(testing::describe(config));
    const Model model = busy_model(config);
    expect_layers_follow_from_matrices(model, {ids, {}, {}});
    expect_layers_follow_from_matrices(model, {ids.narrow(1, 0, 5), {}, {}});  // N < n
    expect_layers_follow_from_matrices(model, {ids, mask, {}});
  }
}

TEST(AttentionMatrices, ShapesAndRowSums) {
  const at::Tensor ids = at::tensor({0, 5, 7, 9, 6, 2}).view({1, 6});
  for (const ModelConfig& config : variants()) {
    SCOPED_TRACE(testing::describe(config));
    const std::vector<LayerAttention> layers = attention_of(busy_model(config), {ids, {}, {}});
    for (int64_t l = 0; l < config.num_hidden_layers; ++l) {
      const LayerAttention& layer = layers[static_cast<size_t>(l)];
      const std::vector<int64_t> rows = config.projected_lengths(l);
      ASSERT_EQ(layer.heads.size(), 2u);
      for (size_t h = 0; h < 2; ++h) {
        const at::Tensor P = layer.heads[h].probabilities();
        const int64_t keys =
            layer.type == AttentionType::kLinformer ? rows[rows.size() == 1 ? 0 : h] : int64_t{6};
        EXPECT_EQ(P.sizes(), (std::vector<int64_t>{1, 6, keys}));
        EXPECT_TRUE(at::allclose(P.sum(-1), at::ones({1, 6}, at::kDouble)));
        EXPECT_EQ(layer.full[h].probabilities().sizes(), (std::vector<int64_t>{1, 6, 6}));
      }
    }
  }
}

TEST(AttentionMatrices, ByHand) {
  // One query 1 of width 1, keys 0, ln 3 and ln 100, the last one hidden: 1/4 and 3/4.
  HeadAttention head;
  head.query = at::ones({1, 2, 1}, at::kDouble);
  head.key = at::tensor({1.0, 3.0, 100.0}, at::kDouble).log().view({1, 3, 1});
  head.visible = at::tensor({1, 1, 0, 0, 0, 0}).view({1, 2, 3}).to(at::kBool);
  const at::Tensor expected = at::tensor({.25, .75, 0., 0., 0., 0.}, at::kDouble).view({1, 2, 3});
  EXPECT_TRUE(at::allclose(head.probabilities(), expected));  // the second query sees no key
  head.visible.reset();
  EXPECT_TRUE(at::allclose(head.probabilities() * 104,
                           at::tensor({1., 3., 100.}, at::kDouble).expand({1, 2, 3})));
  // Scores are divided by the root of the width.
  head.query = at::full({1, 1, 4}, 3.0, at::kDouble);
  head.key = at::ones({1, 1, 4}, at::kDouble);
  EXPECT_EQ(head.scores().item<double>(), 6.0);
}

TEST(AttentionMatrices, AWindowIsABand) {
  ModelConfig config = tiny_model();
  config.attention.type = AttentionType::kLocalWindow;
  config.attention.attention_window = 2;
  const at::Tensor ids = at::tensor({0, 5, 7, 9, 2}).view({1, 5});
  const LayerAttention layer = attention_of(busy_model(config), {ids, {}, {}}).front();
  const at::Tensor P = layer.heads.front().probabilities()[0];
  EXPECT_TRUE(P.triu(2).eq(0).all().item<bool>());
  EXPECT_TRUE(P.tril(-2).eq(0).all().item<bool>());
  EXPECT_TRUE(P.diagonal(1).gt(0).all().item<bool>());
  EXPECT_TRUE(layer.full.front().probabilities().gt(0).all().item<bool>());
}

TEST(AttentionMatrices, AnIdentityProjectionGivesTheFullMatrix) {
  ModelConfig config = tiny_model();
  config.attention.projected_length = 8;
  const Model model = busy_model(config);
  const at::NoGradGuard no_grad;
  for (const char* name : {"E", "F"}) {
    model.parameters()
        .get("roberta.encoder.layer.0.attention.self." + std::string(name))
        .detach()
        .copy_(at::eye(8, at::kDouble));
  }
  const at::Tensor ids = at::tensor({0, 5, 7, 9, 6, 8, 5, 2}).view({1, 8});
  const LayerAttention layer = attention_of(model, {ids, {}, {}}).front();
  for (size_t h = 0; h < 2; ++h) {
    EXPECT_LT(relative_difference(layer.heads[h].probabilities(), layer.full[h].probabilities()),
              1e-12);
    EXPECT_LT(relative_difference(layer.heads[h].value, layer.full[h].value), 1e-12);
  }
}

}  // namespace
}  // namespace linformer
