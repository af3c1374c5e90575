#include "linformer/nn/encoder.h"

#include <limits>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/attention_variants.h"
#include "torch_test_support.h"

#include "linformer/core/error.h"
#include "linformer/kernels/mixed_precision.h"
#include "linformer/nn/model.h"

namespace linformer {
namespace {

using testing::describe;
using ::testing::HasSubstr;
using testing::relative_difference;

constexpr int64_t kLength = 8;
constexpr int64_t kWords = 13;

ModelConfig base_config() {
  ModelConfig config;
  config.vocab_size = kWords;
  config.hidden_size = 8;
  config.num_hidden_layers = 2;
  config.num_attention_heads = 2;
  config.intermediate_size = 16;
  config.max_sequence_length = kLength;
  config.hidden_dropout_prob = 0.0;
  config.attention_probs_dropout_prob = 0.0;
  config.initializer_range = 0.4;
  config.attention.projected_length = 4;
  return config;
}

/// Every kind of model that the padding contract is about.
std::vector<ModelConfig> all_variants() {
  std::vector<ModelConfig> variants;
  for (const auto norm : {NormPosition::kPost, NormPosition::kPre}) {
    ModelConfig config = base_config();
    config.norm_position = norm;
    for (const ModelConfig& variant : testing::attention_variants(config)) {
      variant.validate();
      variants.push_back(variant);
    }
  }
  return variants;
}

/// A model in double precision with biases that are not zero.
Model make_model(const ModelConfig& config) {
  Model model(config, 5, at::kDouble);
  const at::NoGradGuard no_grad;
  for (const Parameter& parameter : model.parameters().all()) {
    if (parameter.kind != ParameterKind::kBias) continue;
    parameter.tensor.detach().copy_(
        model.parameters().draw_normal(parameter.name + "?", parameter.tensor.sizes(), 0.5));
  }
  return model;
}

struct Outcome {
  at::Tensor valid;  // hidden states of the valid positions, in order
  std::vector<at::Tensor> gradients;
};

/// Forward and backward of a loss that looks at valid positions only.
Outcome run(const Model& model, const at::Tensor& input_ids, const at::Tensor& mask) {
  for (const Parameter& parameter : model.parameters().all()) {
    at::Tensor tensor = parameter.tensor;
    tensor.mutable_grad().reset();
  }
  ForwardContext evaluation;
  const at::Tensor hidden = model.encoder().forward(input_ids, mask, evaluation);
  const at::Tensor valid = mask.defined() ? hidden.index({mask}) : hidden.flatten(0, 1);
  const at::Tensor weights = model.parameters().draw_normal("weights", valid.sizes(), 1.0);
  (valid * weights).sum().backward();
  Outcome outcome{valid.detach(), {}};
  for (const Parameter& parameter : model.parameters().all()) {
    at::Tensor gradient = parameter.tensor.grad();
    if (gradient.defined() && gradient.is_sparse()) gradient = gradient.to_dense();
    outcome.gradients.push_back(gradient.defined() ? gradient.clone()
                                                   : at::zeros_like(parameter.tensor));
  }
  return outcome;
}

void expect_equal(const Outcome& a, const Outcome& b, const ModelConfig& config) {
  EXPECT_LT(relative_difference(a.valid, b.valid), 1e-11) << describe(config);
  for (size_t i = 0; i < a.gradients.size(); ++i) {
    const double scale = 1.0 + b.gradients[i].abs().max().item<double>();
    EXPECT_LT((a.gradients[i] - b.gradients[i]).abs().max().item<double>(), 1e-11 * scale)
        << describe(config) << ", parameter " << i;
  }
}

const std::vector<int64_t> kFirst{0, 5, 7, 9, 2};
const std::vector<int64_t> kSecond{0, 4, 2};

/// Both sequences in one batch, each at its own offset, `filler` in the padding.
std::pair<at::Tensor, at::Tensor> batch_of(int64_t width, int64_t first_offset,
                                           int64_t second_offset, int64_t filler) {
  at::Tensor ids = at::full({2, width}, filler, at::kLong);
  at::Tensor mask = at::zeros({2, width}, at::kBool);
  const auto put = [&](int64_t row, int64_t offset, const std::vector<int64_t>& tokens) {
    for (size_t i = 0; i < tokens.size(); ++i) {
      ids[row][offset + static_cast<int64_t>(i)] = tokens[i];
      mask[row][offset + static_cast<int64_t>(i)] = true;
    }
  };
  put(0, first_offset, kFirst);
  put(1, second_offset, kSecond);
  return {ids, mask};
}

TEST(PaddingContract, HoldsForEveryVariant) {
  for (const ModelConfig& config : all_variants()) {
    const Model model = make_model(config);
    const auto [ids, mask] = batch_of(5, 0, 0, 1);
    const Outcome expected = run(model, ids, mask);
    // other tokens in the padding; more of it; on the left; on both sides
    for (const auto& [padded, padded_mask] : {batch_of(5, 0, 0, 12), batch_of(8, 0, 0, 1),
                                              batch_of(8, 3, 5, 1), batch_of(8, 2, 1, 6)}) {
      expect_equal(run(model, padded, padded_mask), expected, config);
    }
  }
}

TEST(PaddingContract, ABatchOfMixedLengthsIsEachSequenceAlone) {
  for (const ModelConfig& config : all_variants()) {
    const Model model = make_model(config);
    const auto [ids, mask] = batch_of(8, 0, 0, 1);
    const Outcome together = run(model, ids, mask);
    const at::Tensor first = at::tensor(kFirst, at::kLong).unsqueeze(0);
    const at::Tensor second = at::tensor(kSecond, at::kLong).unsqueeze(0);
    const at::Tensor alone = at::cat({run(model, first, {}).valid, run(model, second, {}).valid});
    EXPECT_LT(relative_difference(together.valid, alone), 1e-11) << describe(config);
  }
}

/// Outputs and gradients of attention keep their bits whatever is in the padding.
void expect_padding_is_not_read(at::ScalarType type, Precision precision) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  for (const ModelConfig& config : all_variants()) {
    if (config.attention.sharing == SharingMode::kLayerwise) continue;  // key_value's, shared
    if (config.norm_position == NormPosition::kPre) continue;           // not attention's matter
    ParameterSet parameters(2, type);
    const SelfAttention attention(config, 0, "self", parameters, std::nullopt);
    const auto [ids, mask] = batch_of(8, 0, 0, 1);
    const at::Tensor clean = parameters.draw_normal("x", {2, 8, 8}, 1.0);
    std::vector<at::Tensor> outputs;
    std::vector<at::Tensor> gradients;
    for (const double filler : {0.0, 1e30, nan, infinity, -infinity}) {
      at::Tensor x = clean.masked_fill(~mask.unsqueeze(-1), filler).requires_grad_();
      ForwardContext evaluation;
      at::Tensor valid;
      {
        const AutocastScope scope{MixedPrecision(precision)};
        valid = to_full(attention.forward(x, mask, evaluation)).index({mask});
      }
      valid.pow(2).sum().backward();
      outputs.push_back(valid.detach());
      gradients.push_back(x.grad());
      EXPECT_FALSE(x.grad().index({~mask}).ne(0).any().item<bool>()) << describe(config);
    }
    for (size_t i = 1; i < outputs.size(); ++i) {
      EXPECT_TRUE(at::equal(outputs[i], outputs[0])) << describe(config) << " filler " << i;
      EXPECT_TRUE(at::equal(gradients[i], gradients[0])) << describe(config) << " filler " << i;
    }
  }
}

TEST(PaddingContract, AttentionNeverReadsPaddedRows) {
  expect_padding_is_not_read(at::kDouble, Precision::kFp32);
}

TEST(PaddingContract, AttentionNeverReadsPaddedRowsInLowPrecision) {
  expect_padding_is_not_read(at::kFloat, Precision::kBf16);
  expect_padding_is_not_read(at::kFloat, Precision::kFp16);
}

TEST(PaddingContract, TheWordInThePaddingGetsNoGradient) {
  const Model model = make_model(base_config());
  const auto [ids, mask] = batch_of(8, 0, 0, 12);  // word 12 is nowhere else
  const Outcome outcome = run(model, ids, mask);
  EXPECT_TRUE(at::equal(outcome.gradients[0][12], at::zeros({8}, at::kDouble)));
  EXPECT_GT(outcome.gradients[0][9].abs().max().item<double>(), 0.0);
}

TEST(Encoder, LayerwiseIsKeyValueWithCopies) {
  ModelConfig config = base_config();
  config.attention.sharing = SharingMode::kLayerwise;
  const Model layerwise = make_model(config);
  config.attention.sharing = SharingMode::kKeyValue;
  const Model copies = make_model(config);
  const at::Tensor E = layerwise.parameters().get("roberta.encoder.E").detach();
  for (const char* layer : {"0", "1"}) {
    copies.parameters()
        .get(std::string("roberta.encoder.layer.") + layer + ".attention.self.E")
        .detach()
        .copy_(E);
  }
  const auto [ids, mask] = batch_of(8, 0, 0, 1);
  EXPECT_LT(relative_difference(run(layerwise, ids, mask).valid, run(copies, ids, mask).valid),
            1e-12);
}

TEST(Encoder, TakesAnyLengthUpToItsOwn) {
  const Model model = make_model(base_config());
  ForwardContext evaluation;
  for (int64_t length = 1; length <= kLength; ++length) {
    const at::Tensor ids = at::full({1, length}, 5, at::kLong);
    EXPECT_TRUE(model.encoder().forward(ids, {}, evaluation).isfinite().all().item<bool>());
  }
  try {
    model.encoder().forward(at::full({1, kLength + 1}, 5, at::kLong), {}, evaluation);
    FAIL() << "a longer input was taken";
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(), HasSubstr("a sequence of 9 tokens, the model takes at most 8"));
  }
}

/// Words, positions and the rest after one step with accumulation, with and without recomputing.
std::vector<at::Tensor> gradients_of(const Model& model, bool recompute) {
  for (const Parameter& parameter : model.parameters().all()) {
    at::Tensor tensor = parameter.tensor;
    tensor.mutable_grad().reset();
  }
  for (const uint64_t key : {1, 2}) {  // two micro-batches
    ForwardContext context(key);
    context.set_recompute(recompute);
    const auto [ids, mask] = batch_of(8, 0, 2, 1);
    const at::Tensor hidden = model.encoder().forward(ids, mask, context);
    hidden.index({mask}).pow(3).sum().backward();
  }
  std::vector<at::Tensor> gradients;
  for (const Parameter& parameter : model.parameters().all()) {
    at::Tensor gradient = parameter.tensor.grad();
    if (gradient.defined() && gradient.is_sparse()) gradient = gradient.to_dense();
    gradients.push_back(gradient.defined() ? gradient.clone() : at::Tensor());
  }
  return gradients;
}

TEST(ActivationCheckpointing, GivesTheSameGradientsToTheBit) {
  for (ModelConfig config : all_variants()) {
    config.hidden_dropout_prob = 0.1;
    config.attention_probs_dropout_prob = 0.1;
    const Model model(config, 5);  // fp32, where every order of sums shows
    const auto kept = gradients_of(model, false);
    const auto recomputed = gradients_of(model, true);
    for (size_t i = 0; i < kept.size(); ++i) {
      ASSERT_EQ(kept[i].defined(), recomputed[i].defined());
      if (!kept[i].defined()) continue;
      EXPECT_TRUE(at::equal(kept[i], recomputed[i]))
          << describe(config) << model.parameters().all()[i].name;
    }
  }
}

TEST(Encoder, HiddenStatesAreTheEmbeddingsAndEachLayersOutput) {
  for (const auto norm : {NormPosition::kPost, NormPosition::kPre}) {
    ModelConfig config = base_config();
    config.norm_position = norm;
    const Model model = make_model(config);
    const auto [ids, mask] = batch_of(8, 0, 3, 1);
    ForwardContext evaluation;
    std::vector<at::Tensor> states;
    const at::Tensor output = model.encoder().forward({ids, mask, {}}, evaluation, &states);
    ASSERT_EQ(states.size(), 3u);
    EXPECT_TRUE(at::equal(states[2], output));
    // One layer less: what the second layer read.
    config.num_hidden_layers = 1;
    const Model shorter = make_model(config);
    std::vector<at::Tensor> fewer;
    shorter.encoder().forward({ids, mask, {}}, evaluation, &fewer);
    EXPECT_TRUE(at::equal(states[0].index({mask}), fewer[0].index({mask})));
    if (norm == NormPosition::kPost) {
      EXPECT_TRUE(at::equal(states[1].index({mask}), fewer[1].index({mask})));
    }
  }
}

TEST(Encoder, SegmentsAreAddedToTheEmbeddings) {
  ModelConfig config = base_config();
  config.type_vocab_size = 2;
  const Model model = make_model(config);
  const auto [ids, mask] = batch_of(8, 1, 3, 1);
  ForwardContext evaluation;
  const auto forward = [&](const at::Tensor& types) {
    return model.encoder().forward({ids, mask, types}, evaluation).index({mask}).detach();
  };
  const at::Tensor zeros = at::zeros_like(ids);
  EXPECT_TRUE(at::equal(forward({}), forward(zeros)));
  EXPECT_FALSE(at::equal(forward(zeros), forward(at::ones_like(ids))));
  // what padding says of its segment changes nothing
  EXPECT_TRUE(at::equal(forward(zeros), forward(zeros.masked_fill(~mask, 1))));
  // equal rows: no difference
  const at::NoGradGuard no_grad;
  const at::Tensor table =
      model.parameters().get("roberta.embeddings.token_type_embeddings.weight").detach();
  table[1].copy_(table[0]);
  EXPECT_TRUE(at::equal(forward(zeros), forward(at::ones_like(ids))));
}

TEST(Encoder, FixedPositionsStayAndLearnedOnesMayStartAsThey) {
  ModelConfig config = base_config();
  config.position_init = PositionInit::kSinusoidal;
  const std::string name = "roberta.embeddings.position_embeddings.weight";
  const Model learned(config, 1);
  config.position_embedding = PositionEmbedding::kSinusoidal;
  const Model fixed(config, 1);
  EXPECT_TRUE(learned.parameters().get(name).requires_grad());
  EXPECT_FALSE(fixed.parameters().get(name).requires_grad());
  EXPECT_TRUE(at::equal(fixed.parameters().get(name), learned.parameters().get(name)));
}

/// y = FFN(x) of one layer, by its formula, from the hidden states of a model without attention's
/// say (a value matrix of zeros).
TEST(Encoder, GatedActivationsAndNormsFollowTheirFormulas) {
  for (const auto act :
       {Activation::kGelu, Activation::kGeluNew, Activation::kSwiglu, Activation::kGeglu}) {
    for (const auto norm_type : {NormType::kLayerNorm, NormType::kRmsNorm}) {
      ModelConfig config = base_config();
      config.num_hidden_layers = 1;
      config.hidden_act = act;
      config.norm_type = norm_type;
      config.norm_position = NormPosition::kPre;
      const Model model = make_model(config);
      const at::NoGradGuard no_grad;
      const std::string prefix = "roberta.encoder.layer.0.";
      const auto get = [&](const std::string& name) {
        return model.parameters().get(prefix + name).detach();
      };
      get("attention.output.dense.weight").zero_();
      get("attention.output.dense.bias").zero_();
      const auto norm = [&](const at::Tensor& x) {  // weights are 1, shifts 0
        const at::Tensor centred = norm_type == NormType::kLayerNorm ? x - x.mean(-1, true) : x;
        return centred / (centred.pow(2).mean(-1, true) + config.layer_norm_eps).sqrt();
      };
      std::vector<at::Tensor> states;
      ForwardContext evaluation;
      const at::Tensor ids = at::tensor(std::vector<int64_t>{0, 5, 7, 2}, at::kLong).unsqueeze(0);
      const at::Tensor output = model.encoder().forward({ids, {}, {}}, evaluation, &states);
      const at::Tensor x = norm(states[0]);
      const at::Tensor wide =
          at::matmul(x, get("intermediate.dense.weight").t()) + get("intermediate.dense.bias");
      at::Tensor active;
      if (config.is_gated()) {
        const at::Tensor gate =
            at::matmul(x, get("intermediate.gate.weight").t()) + get("intermediate.gate.bias");
        active = (act == Activation::kSwiglu ? at::silu(gate) : at::gelu(gate)) * wide;
      } else {
        active = at::gelu(wide, act == Activation::kGeluNew ? "tanh" : "none");
      }
      const at::Tensor expected =
          norm(states[0] + at::matmul(active, get("output.dense.weight").t()) +
               get("output.dense.bias"));
      EXPECT_LT(relative_difference(output, expected), 1e-12)
          << name_of(act) << " " << name_of(norm_type);
    }
  }
}

TEST(Encoder, DropoutIsOffInEvaluationAndRepeatsWithItsKey) {
  ModelConfig config = base_config();
  config.hidden_dropout_prob = 0.5;
  config.attention_probs_dropout_prob = 0.5;
  const Model model = make_model(config);
  const at::Tensor ids = at::tensor(kFirst, at::kLong).unsqueeze(0);
  const auto forward = [&](ForwardContext context) {
    return model.encoder().forward(ids, {}, context).detach();
  };
  EXPECT_TRUE(at::equal(forward({}), forward({})));
  EXPECT_TRUE(at::equal(forward(ForwardContext(1)), forward(ForwardContext(1))));
  EXPECT_FALSE(at::equal(forward(ForwardContext(1)), forward(ForwardContext(2))));
  EXPECT_FALSE(at::equal(forward({}), forward(ForwardContext(1))));
}

}  // namespace
}  // namespace linformer
