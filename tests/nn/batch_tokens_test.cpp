#include "linformer/nn/batch_tokens.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "kernels/reference_path.h"
#include "nn/attention_variants.h"
#include "nn/padded_encoder.h"
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

at::Tensor mask_of(const std::vector<std::vector<int64_t>>& rows) {
  std::vector<at::Tensor> tensors;
  for (const auto& row : rows) tensors.push_back(at::tensor(row, at::kLong));
  return at::stack(tensors).to(at::kBool);
}

TEST(BatchTokens, ByHand) {
  // Padding behind, in between and before; sequence 2 has no token.
  const at::Tensor mask = mask_of({{1, 1, 0, 0}, {1, 0, 0, 1}, {0, 0, 0, 0}, {0, 1, 1, 1}});
  const BatchTokens tokens(mask, 4, 4, at::kCPU);
  const at::Tensor x = at::arange(16, at::kLong).view({4, 4});
  EXPECT_TRUE(at::equal(tokens.take(x), numbers({0, 1, 4, 7, 13, 14, 15})));
  EXPECT_TRUE(at::equal(tokens.positions(), numbers({0, 1, 0, 1, 0, 1, 2})));
  EXPECT_EQ(tokens.rows().starts, (std::vector<int64_t>{0, 2, 4, 4, 7}));
  EXPECT_TRUE(at::equal(tokens.rows().numbers, numbers({0, 1, 4, 5, 12, 13, 14})));
  const at::Tensor values = x.to(at::kFloat).unsqueeze(2) + 1.0;
  const at::Tensor expected = values.masked_fill(mask.logical_not().unsqueeze(2), 0.0);
  EXPECT_TRUE(at::equal(tokens.put_back(tokens.take(values)), expected));
  const ChosenTokens chosen = tokens.choose({1, 7, 13, 15});
  EXPECT_TRUE(at::equal(chosen.index, numbers({1, 3, 4, 6})));
  EXPECT_TRUE(at::equal(chosen.rows.numbers, numbers({1, 5, 12, 14})));
  EXPECT_EQ(chosen.rows.starts, (std::vector<int64_t>{0, 1, 2, 2, 4}));
}

TEST(BatchTokens, WithoutPaddingAreTheWholeBatch) {
  for (const at::Tensor& mask : {at::Tensor(), at::ones({2, 3}, at::kBool)}) {
    const BatchTokens tokens(mask, 2, 3, at::kCPU);
    EXPECT_TRUE(tokens.rows().are_all());
    const at::Tensor x = at::randn({2, 3, 5});
    EXPECT_TRUE(at::equal(tokens.take(x), x.flatten(0, 1)));
    EXPECT_TRUE(tokens.put_back(tokens.take(x)).is_alias_of(x));
    EXPECT_TRUE(at::equal(tokens.positions(), numbers({0, 1, 2, 0, 1, 2})));
    EXPECT_TRUE(at::equal(tokens.choose({2, 4}).index, numbers({2, 4})));
  }
}

TEST(BatchTokens, PaddingIsNoOutputRow) {
  const BatchTokens tokens(mask_of({{1, 1, 0}, {0, 1, 1}}), 2, 3, at::kCPU);
  EXPECT_THROW(tokens.choose({2}), std::logic_error);
  EXPECT_THROW(tokens.choose({0, 3}), std::logic_error);
  EXPECT_THROW(tokens.choose({6}), std::logic_error);
}

/// The hidden states of some positions and the gradients of a fixed projection of them.
struct Outcome {
  at::Tensor hidden;
  std::vector<at::Tensor> gradients;
};

/// How the hidden states of a pass are computed.
enum class Way {
  kRows,   // forward_rows()
  kFixed,  // forward_rows() of fixed shape: padding and more positions than wanted are computed
  kAll,    // forward(), of which these are taken
  kPadded  // the formulas, at every position of the padded batch
};

struct Pass {
  EncoderInput input;
  std::vector<int64_t> wanted;
  bool recompute = false;
  Precision precision = Precision::kFp32;
};

Outcome run(const ModelConfig& config, const Pass& pass, Way way) {
  ParameterSet parameters(/*seed=*/5,
                          pass.precision == Precision::kFp32 ? at::kDouble : at::kFloat);
  const Encoder encoder(config, parameters);
  for (const Parameter& parameter : parameters.all()) {  // biases that are not zero
    if (parameter.kind != ParameterKind::kBias) continue;
    parameter.tensor.detach().copy_(
        parameters.draw_normal(parameter.name + "?", parameter.tensor.sizes(), 0.5));
  }
  ForwardContext context(9);
  context.set_recompute(pass.recompute);
  at::Tensor hidden;
  {
    const AutocastScope scope{MixedPrecision(pass.precision)};
    if (way == Way::kRows) {
      hidden = encoder.forward_rows(pass.input, pass.wanted, context);
    } else if (way == Way::kFixed) {
      // Each second position as well, padding or not, and room for more in each sequence.
      std::set<int64_t> more(pass.wanted.begin(), pass.wanted.end());
      const int64_t length = pass.input.input_ids.size(1);
      for (int64_t i = 0; i < pass.input.input_ids.numel(); i += 2) more.insert(i);
      const std::vector<int64_t> numbers(more.begin(), more.end());
      ChosenTokens chosen{chosen_rows(numbers, pass.input.input_ids.size(0), length, at::kCPU,
                                      /*least_most=*/length - 1),
                          {}};
      chosen.index = chosen.rows.numbers;
      const at::Tensor states = encoder.forward_rows(pass.input, chosen, context);
      std::vector<int64_t> picked;
      for (const int64_t number : pass.wanted) {
        picked.push_back(std::distance(more.begin(), more.find(number)));
      }
      hidden = states.index_select(0, at::tensor(picked, at::kLong));
    } else {
      const at::Tensor all =
          way == Way::kAll ? encoder.forward(pass.input, context)
                           : testing::padded_hidden_states(config, parameters, pass.input, context);
      hidden = all.flatten(0, 1).index_select(0, at::tensor(pass.wanted, at::kLong));
    }
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

/// In double precision.
void expect_equal(const Outcome& ours, const Outcome& expected, const std::string& what) {
  EXPECT_LT(relative_difference(ours.hidden, expected.hidden), 1e-12) << what;
  for (size_t p = 0; p < expected.gradients.size(); ++p) {
    const double size = std::max(1.0, expected.gradients[p].abs().max().item<double>());
    EXPECT_LT((ours.gradients[p] - expected.gradients[p]).abs().max().item<double>(), 1e-11 * size)
        << what << ", parameter " << p;
  }
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
  if (!mask.front().empty()) input.mask = mask_of(mask);
  return input;
}

/// Sequences of these lengths, padded on the right to 8 positions with any words, with segments.
EncoderInput input_of_lengths(const std::vector<int64_t>& lengths) {
  std::vector<std::vector<int64_t>> mask;
  for (const int64_t length : lengths) {
    mask.emplace_back(8, 0);
    std::fill_n(mask.back().begin(), length, 1);
  }
  EncoderInput input = input_of(mask);
  input.token_type_ids = at::randint(0, 2, input.input_ids.sizes(), at::kLong);
  return input;
}

/// The positions of an input's tokens, or every `step`-th of them.
std::vector<int64_t> tokens_of(const EncoderInput& input, int64_t step = 1) {
  const at::Tensor places = input.mask.flatten().nonzero().squeeze(1).contiguous();
  std::vector<int64_t> wanted;
  for (int64_t i = 0; i < places.size(0); i += step) wanted.push_back(places[i].item<int64_t>());
  return wanted;
}

// Sequences without their padding give what the padded batch gives: values and the gradients of all
// parameters, over kinds x lengths x dropout x recomputed layers x a device with its own kernels or
// without.
TEST(PackedTokens, GiveWhatThePaddedComputationGives) {
  const std::vector<std::vector<int64_t>> batches{{5, 3, 7}, {8, 1, 8}, {6, 6}, {0, 4}};
  for (ModelConfig config : encoders()) {
    config.type_vocab_size = 2;
    for (const double probability : {0.0, 0.3}) {
      config.hidden_dropout_prob = probability;
      config.attention_probs_dropout_prob = probability;
      for (size_t i = 0; i < batches.size(); ++i) {
        const EncoderInput input = input_of_lengths(batches[i]);
        const std::string what = testing::describe(config) + "batch " + std::to_string(i) +
                                 ", dropout " + std::to_string(probability);
        Pass pass{input, tokens_of(input), /*recompute=*/i % 2 == 1};
        const Outcome padded = run(config, pass, Way::kPadded);
        expect_equal(run(config, pass, Way::kAll), padded, what);
        if (i > 1 && probability == 0.0) continue;
        if (i == 0) {
          const ReferencePath path;
          expect_equal(run(config, pass, Way::kAll), padded, what + ", reference kernels");
        }
        pass.wanted = tokens_of(input, /*step=*/3);
        expect_equal(run(config, pass, Way::kFixed), run(config, pass, Way::kPadded),
                     what + ", fixed shape");
        expect_equal(run(config, pass, Way::kRows), run(config, pass, Way::kPadded),
                     what + ", some rows");
      }
    }
  }
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
      expect_equal(run(config, passes[i], Way::kRows), run(config, passes[i], Way::kAll),
                   testing::describe(config) + ", pass " + std::to_string(i));
    }
  }
}

TEST(ForwardRows, RecomputingChangesNoBit) {
  for (const ModelConfig& config : encoders()) {
    for (const Precision precision : {Precision::kFp32, Precision::kBf16}) {
      for (const EncoderInput& input : {input_of({{}, {}}), input_of_lengths({7, 4})}) {
        Pass pass{input, {0, 5, 9}, false, precision};
        const Outcome kept = run(config, pass, Way::kRows);
        pass.recompute = true;
        const Outcome again = run(config, pass, Way::kRows);
        EXPECT_TRUE(at::equal(kept.hidden, again.hidden)) << testing::describe(config);
        for (size_t p = 0; p < kept.gradients.size(); ++p) {
          EXPECT_TRUE(at::equal(kept.gradients[p], again.gradients[p]))
              << testing::describe(config) << ", parameter " << p;
        }
      }
    }
  }
}

TEST(ForwardRows, InBf16AreNearThoseOfForward) {
  for (const ModelConfig& config : encoders()) {
    const Pass pass{input_of({{}, {}}), {0, 5, 9}, false, Precision::kBf16};
    EXPECT_LT(relative_difference(run(config, pass, Way::kRows).hidden,
                                  run(config, pass, Way::kAll).hidden),
              0.02)
        << testing::describe(config);
  }
}

TEST(ForwardRows, WithoutRowsAreEmptyAndPassZeroOn) {
  for (const ModelConfig& config : encoders()) {
    const Outcome none = run(config, {input_of({{}, {}}), {}}, Way::kRows);
    EXPECT_EQ(none.hidden.size(0), 0);
    for (const at::Tensor& gradient : none.gradients) {
      EXPECT_FALSE(gradient.ne(0).any().item<bool>()) << testing::describe(config);
    }
  }
}

}  // namespace
}  // namespace linformer
