#include "linformer/nn/output_rows.h"

#include <stdexcept>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "nn/attention_variants.h"
#include "nn/tiny_model.h"
#include "torch_test_support.h"

#include "linformer/kernels/mixed_precision.h"
#include "linformer/nn/encoder.h"

namespace linformer {
namespace {

using testing::relative_difference;

at::Tensor numbers(std::initializer_list<int64_t> values) {
  return at::tensor(std::vector<int64_t>(values), at::kLong);
}

TEST(OutputRows, ByHand) {
  // Three sequences of 5: positions 1 and 4, none, 0, 2 and 3.
  const OutputRows rows = output_rows({1, 4, 10, 12, 13}, 3, 5);
  EXPECT_TRUE(at::equal(rows.flat, numbers({1, 4, 10, 12, 13})));
  EXPECT_TRUE(at::equal(rows.positions, numbers({1, 4, 4, 0, 0, 0, 0, 2, 3}).view({3, 3})));
  EXPECT_TRUE(at::equal(rows.places, numbers({0, 1, 6, 7, 8})));
  const at::Tensor x = at::arange(15, at::kFloat).unsqueeze(1);
  const at::Tensor picked = rows_at_positions(x, rows);
  EXPECT_TRUE(at::equal(picked.flatten().to(at::kLong), numbers({1, 4, 4, 5, 5, 5, 10, 12, 13})));
  EXPECT_TRUE(at::equal(picked.index_select(0, rows.places), x.index_select(0, rows.flat)));
}

TEST(OutputRows, WithoutRowsHaveOnePositionEach) {
  const OutputRows rows = output_rows({}, 2, 4);
  EXPECT_EQ(rows.flat.size(0), 0);
  EXPECT_EQ(rows.places.size(0), 0);
  EXPECT_TRUE(at::equal(rows.positions, numbers({0, 0}).view({2, 1})));
}

TEST(OutputRows, OutsideOfTheBatchAreRefused) {
  EXPECT_THROW(output_rows({8}, 2, 4), std::logic_error);
  EXPECT_THROW(output_rows({-1, 3}, 2, 4), std::logic_error);
}

/// The hidden states of some positions and the gradients of a fixed projection of them.
struct Outcome {
  at::Tensor hidden;
  std::vector<at::Tensor> gradients;
};

struct Pass {
  EncoderInput input;
  std::vector<int64_t> wanted;
  bool recompute = false;
  Precision precision = Precision::kFp32;
};

Outcome run(const ModelConfig& config, const Pass& pass, bool rows_alone) {
  ParameterSet parameters(/*seed=*/5,
                          pass.precision == Precision::kFp32 ? at::kDouble : at::kFloat);
  const Encoder encoder(config, parameters);
  ForwardContext context(9);
  context.set_recompute(pass.recompute);
  const int64_t batch = pass.input.input_ids.size(0);
  const int64_t length = pass.input.input_ids.size(1);
  const OutputRows rows = output_rows(pass.wanted, batch, length);
  at::Tensor hidden;
  {
    const AutocastScope scope{MixedPrecision(pass.precision)};
    hidden = rows_alone
                 ? encoder.forward_rows(pass.input, rows, context)
                 : encoder.forward(pass.input, context).flatten(0, 1).index_select(0, rows.flat);
  }
  at::manual_seed(4);
  const at::Tensor upstream = at::randn(hidden.sizes(), hidden.options());
  (hidden * upstream).sum().backward();
  Outcome outcome{hidden.detach(), {}};
  for (const Parameter& parameter : parameters.all()) {
    const at::Tensor& gradient = parameter.tensor.grad();
    outcome.gradients.push_back(gradient.defined() ? gradient.to_dense()
                                                   : at::zeros_like(parameter.tensor));
  }
  return outcome;
}

std::vector<ModelConfig> encoders() {
  ModelConfig config = tiny_model();
  config.num_hidden_layers = 2;
  config.hidden_dropout_prob = 0.3;
  config.attention_probs_dropout_prob = 0.3;
  std::vector<ModelConfig> variants = testing::attention_variants(config);
  config.attention.projected_length = 4;
  config.norm_position = NormPosition::kPre;
  config.attention.value_convolution = 3;
  variants.push_back(config);
  config.norm_type = NormType::kRmsNorm;
  config.hidden_act = Activation::kSwiglu;
  config.attention.type = AttentionType::kStandard;
  variants.push_back(config);
  config.attention.type = AttentionType::kLocalWindow;
  config.attention.attention_window = 4;
  variants.push_back(config);
  config.num_hidden_layers = 1;
  variants.push_back(config);
  config.hidden_dropout_prob = 0.0;
  config.attention_probs_dropout_prob = 0.0;
  variants.push_back(config);
  return variants;
}

EncoderInput input_of(const std::vector<std::vector<int64_t>>& mask) {
  at::manual_seed(8);
  const auto batch = static_cast<int64_t>(mask.size());
  EncoderInput input;
  input.input_ids = at::randint(3, 11, {batch, 8}, at::kLong);
  if (mask.front().empty()) return input;
  std::vector<at::Tensor> rows;
  for (const auto& row : mask) rows.push_back(at::tensor(row, at::kLong));
  input.mask = at::stack(rows).to(at::kBool);
  return input;
}

// The contract of forward_rows(): what forward() gives at these positions, dropout included, and
// the same gradient of every parameter.
TEST(ForwardRows, GivesWhatForwardGivesThere) {
  const std::vector<Pass> passes{
      {input_of({{}, {}, {}}), {0, 3, 7, 16, 17, 23}},
      {input_of({{1, 1, 1, 1, 1, 1, 1, 1}, {1, 1, 1, 0, 0, 0, 0, 0}}), {2, 5, 9, 10}},
      {input_of({{0, 0, 1, 1, 1, 1, 1, 1}, {1, 0, 1, 1, 0, 1, 1, 1}}), {2, 3, 7, 10, 11}, true},
      {input_of({{}, {}}), {1}, true}};
  for (const ModelConfig& config : encoders()) {
    for (size_t i = 0; i < passes.size(); ++i) {
      const std::string what = testing::describe(config) + ", pass " + std::to_string(i);
      const Outcome all = run(config, passes[i], /*rows_alone=*/false);
      const Outcome some = run(config, passes[i], /*rows_alone=*/true);
      EXPECT_LT(relative_difference(some.hidden, all.hidden), 1e-12) << what;
      for (size_t p = 0; p < all.gradients.size(); ++p) {
        const double size = std::max(1.0, all.gradients[p].abs().max().item<double>());
        EXPECT_LT((some.gradients[p] - all.gradients[p]).abs().max().item<double>(), 1e-11 * size)
            << what << ", parameter " << p;
      }
    }
  }
}

TEST(ForwardRows, RecomputingChangesNoBit) {
  for (const ModelConfig& config : encoders()) {
    for (const Precision precision : {Precision::kFp32, Precision::kBf16}) {
      Pass pass{input_of({{}, {}}), {0, 5, 9}, false, precision};
      const Outcome kept = run(config, pass, /*rows_alone=*/true);
      pass.recompute = true;
      const Outcome again = run(config, pass, /*rows_alone=*/true);
      EXPECT_TRUE(at::equal(kept.hidden, again.hidden)) << testing::describe(config);
      for (size_t p = 0; p < kept.gradients.size(); ++p) {
        EXPECT_TRUE(at::equal(kept.gradients[p], again.gradients[p]))
            << testing::describe(config) << ", parameter " << p;
      }
    }
  }
}

TEST(ForwardRows, InBf16AreNearThoseOfForward) {
  for (const ModelConfig& config : encoders()) {
    const Pass pass{input_of({{}, {}}), {0, 5, 9}, false, Precision::kBf16};
    EXPECT_LT(relative_difference(run(config, pass, true).hidden, run(config, pass, false).hidden),
              0.02)
        << testing::describe(config);
  }
}

TEST(ForwardRows, WithoutRowsAreEmptyAndPassZeroOn) {
  for (const ModelConfig& config : encoders()) {
    const Outcome none = run(config, {input_of({{}, {}}), {}}, /*rows_alone=*/true);
    EXPECT_EQ(none.hidden.size(0), 0);
    for (const at::Tensor& gradient : none.gradients) {
      EXPECT_FALSE(gradient.ne(0).any().item<bool>()) << testing::describe(config);
    }
  }
}

}  // namespace
}  // namespace linformer
