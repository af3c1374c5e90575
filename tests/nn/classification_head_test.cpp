#include <cmath>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "nn/reference_model.h"
#include "torch_test_support.h"

#include "linformer/nn/model.h"

namespace linformer {
namespace {

using testing::load_reference_model;
using testing::ReferenceModel;
using testing::relative_difference;

constexpr double kTolerance = 1e-5;

class ReferenceClassifier : public ::testing::TestWithParam<const char*> {};

TEST_P(ReferenceClassifier, HiddenStatesLogitsLossAndEveryGradient) {
  if (!testing::has_reference_models()) GTEST_SKIP() << "../shared/fixtures is absent";
  const ReferenceModel reference = load_reference_model(GetParam());
  const Model model(reference.source.config, reference.source.head, /*seed=*/1);
  reference.copy_into(model.parameters());
  const at::Tensor mask = reference.inputs.at("attention_mask").to(at::kBool);
  const at::Tensor& labels = reference.inputs.at("labels");
  ForwardContext evaluation;
  std::vector<at::Tensor> states;
  const at::Tensor hidden =
      model.encoder().forward({reference.inputs.at("input_ids"), mask, {}}, evaluation, &states);
  for (size_t i = 0; i < states.size(); ++i) {
    const at::Tensor& expected = reference.outputs.at("hidden_states." + std::to_string(i));
    EXPECT_LT(relative_difference(states[i].index({mask}), expected.index({mask})), kTolerance);
  }
  const at::Tensor logits = model.classification_head().logits(
      hidden, {reference.inputs.at("input_ids"), mask, {}}, evaluation);
  EXPECT_LT(relative_difference(logits, reference.outputs.at("logits")), kTolerance);
  const at::Tensor loss = reference.source.head.type == HeadType::kRegression
                              ? at::mse_loss(logits.squeeze(1), labels)
                              : at::cross_entropy_loss(logits, labels);
  EXPECT_LT(relative_difference(loss.detach().view(1), reference.outputs.at("loss")), kTolerance);
  loss.backward();
  for (const Parameter& parameter : model.parameters().all()) {
    const at::Tensor& theirs = reference.gradient(parameter.name);
    const at::Tensor& ours = parameter.tensor.grad();
    ASSERT_TRUE(ours.defined()) << parameter.name;
    if (parameter.name.ends_with("key.bias") && theirs.abs().max().item<double>() < 1e-6) {
      // Adding one number to all scores of a query changes no softmax: zero but for rounding.
      EXPECT_LT(ours.abs().max().item<double>(), 1e-6) << parameter.name;
      continue;
    }
    EXPECT_LT(relative_difference(ours, theirs), kTolerance) << parameter.name;
  }
}

INSTANTIATE_TEST_SUITE_P(OtherPrograms, ReferenceClassifier,
                         ::testing::Values("hf-roberta-classification", "hf-roberta-regression"),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(Model, OnlyTheFirstTokenCountsAndDropoutIsForTraining) {
  ModelConfig config;
  config.vocab_size = 11;
  config.hidden_size = 8;
  config.num_hidden_layers = 1;
  config.num_attention_heads = 2;
  config.intermediate_size = 16;
  config.hidden_dropout_prob = 0.5;
  config.max_sequence_length = 6;
  config.attention.projected_length = 3;
  const Model model(config, {HeadType::kClassification, {"no", "maybe", "yes"}}, 1);
  at::Tensor hidden = at::randn({2, 4, 8});
  const auto logits = [&](ForwardContext context) {
    return model.classification_head().logits(hidden, {}, context).detach();
  };
  const at::Tensor before = logits({});
  EXPECT_EQ(before.sizes(), (std::vector<int64_t>{2, 3}));
  EXPECT_FALSE(at::equal(logits(ForwardContext(1)), logits(ForwardContext(2))));
  EXPECT_TRUE(at::equal(logits(ForwardContext(1)), logits(ForwardContext(1))));
  hidden.narrow(1, 1, 3).fill_(7.0);
  EXPECT_TRUE(at::equal(logits({}), before));
  // the same tokens after two positions of padding
  const at::Tensor shifted = at::cat({at::full({2, 2, 8}, 9.0f), hidden}, 1);
  const at::Tensor mask = at::arange(6).ge(2).expand({2, 6});
  ForwardContext evaluation;
  EXPECT_TRUE(
      at::equal(model.classification_head().logits(shifted, {{}, mask, {}}, evaluation), before));
}

// The scores of a batch are those of the encoder's whole output, with dropout too, though the last
// layer computes only what pooling reads.
TEST(ClassificationHead, ScoresABatchAsItScoresAllHiddenStates) {
  ModelConfig config;
  config.vocab_size = 11;
  config.hidden_size = 8;
  config.num_hidden_layers = 2;
  config.num_attention_heads = 2;
  config.intermediate_size = 16;
  config.max_sequence_length = 6;
  config.attention.projected_length = 3;
  const at::Tensor ids = at::tensor({0, 5, 2, 2, 6, 2, 0, 7, 9, 2, 2, 8}, at::kLong).view({2, 6});
  const auto mask = [](std::initializer_list<int64_t> tokens) {
    return at::tensor(std::vector<int64_t>(tokens), at::kLong).to(at::kBool).view({2, 6});
  };
  const std::vector<at::Tensor> masks{{},
                                      mask({1, 1, 1, 0, 0, 0, 1, 1, 1, 1, 1, 0}),
                                      mask({0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}),
                                      mask({0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0})};
  for (const auto pooling :
       {ClassifierPooling::kCls, ClassifierPooling::kMean, ClassifierPooling::kPairMean}) {
    const Model model(config, {HeadType::kClassification, {"no", "maybe", "yes"}, pooling}, 1,
                      at::kDouble);
    const ClassificationHead& head = model.classification_head();
    for (size_t i = 0; i < masks.size(); ++i) {
      const EncoderInput input{ids, masks[i], {}};
      for (const ForwardContext& start : {ForwardContext(), ForwardContext(3)}) {
        ForwardContext one = start;
        ForwardContext other = start;
        const at::Tensor all =
            head.logits(model.encoder().forward(input, other), input, other).detach();
        EXPECT_LT(
            testing::relative_difference(head.logits(model.encoder(), input, one).detach(), all),
            1e-12)
            << name_of(pooling) << ", mask " << i;
      }
    }
  }
}

/// A head for one number with given weights, in double precision, without biases and dropout.
struct RegressionHead {
  RegressionHead(ClassifierPooling pooling, const at::Tensor& dense, const at::Tensor& out)
      : head(config_of(dense.size(0)), {HeadType::kRegression, {}, pooling}, parameters) {
    const at::NoGradGuard no_grad;
    parameters.get("classifier.dense.weight").copy_(dense);
    parameters.get("classifier.out_proj.weight").copy_(out);
  }

  static ModelConfig config_of(int64_t width) {
    ModelConfig config;
    config.hidden_size = width;
    return config;
  }

  at::Tensor operator()(const at::Tensor& hidden, const EncoderInput& input) const {
    ForwardContext evaluation;
    return head.logits(hidden, input, evaluation);
  }

  ParameterSet parameters{/*seed=*/1, at::kDouble};
  ClassificationHead head;
};

TEST(ClassificationHead, MeanPoolingIsTheMeanOverTokensThatAreNoPadding) {
  const RegressionHead head(ClassifierPooling::kMean, at::eye(2, at::kDouble),
                            at::tensor({1.0, 10.0}, at::kDouble));
  const at::Tensor hidden =
      at::tensor({0.5, 0.25, 0.1, -0.05, 9.0, 9.0}, at::kDouble).view({1, 3, 2}).requires_grad_();
  const at::Tensor mask = at::tensor({1, 1, 0}, at::kLong).to(at::kBool).view({1, 3});
  // The means of the first two tokens are 0.3 and 0.1.
  const at::Tensor logits = head(hidden, {{}, mask, {}});
  EXPECT_NEAR(logits.item<double>(), std::tanh(0.3) + 10.0 * std::tanh(0.1), 1e-12);
  logits.sum().backward();
  const auto slope = [](double x) { return 1.0 - std::tanh(x) * std::tanh(x); };
  const double first = slope(0.3) / 2.0;
  const double second = 10.0 * slope(0.1) / 2.0;
  const at::Tensor expected =
      at::tensor({first, second, first, second, 0.0, 0.0}, at::kDouble).view({1, 3, 2});
  EXPECT_LT((hidden.grad() - expected).abs().max().item<double>(), 1e-12);
  // Without a mask the third token counts as well: 9.6 / 3 and 9.2 / 3.
  EXPECT_NEAR(head(hidden, {}).item<double>(), std::tanh(9.6 / 3.0) + 10.0 * std::tanh(9.2 / 3.0),
              1e-12);
}

TEST(ClassificationHead, PairMeanIsTheMeansOfBothTextsTheirDistanceAndProduct) {
  const RegressionHead head(ClassifierPooling::kPairMean,
                            at::tensor({0.1, 1.0, 10.0, 100.0}, at::kDouble).view({1, 4}),
                            at::ones({1}, at::kDouble));
  // <s> 7 </s></s> 8 9 </s> and padding: the means of (0.01, 0.03) and (0.002, 0.004).
  const at::Tensor ids = at::tensor({0, 7, 2, 2, 8, 9, 2, 1}, at::kLong).view({1, 8});
  const at::Tensor hidden =
      at::tensor({0.01, 0.03, 5.0, 6.0, 0.002, 0.004, 7.0, 8.0}, at::kDouble).view({1, 8, 1});
  const at::Tensor mask = ids.ne(1);
  const double u = 0.02;
  const double v = 0.003;
  EXPECT_NEAR(head(hidden, {ids, mask, {}}).item<double>(),
              std::tanh(0.1 * u + v + 10.0 * (u - v) + 100.0 * u * v), 1e-12);
  // Without padding, and without a second text: v is 0.
  EXPECT_NEAR(head(hidden.narrow(1, 0, 3), {ids.narrow(1, 0, 3), {}, {}}).item<double>(),
              std::tanh(0.1 * u + 10.0 * u), 1e-12);
}

// Padding is whatever the mask says, wherever it is and whatever ids it holds.
TEST(ClassificationHead, PairMeanDoesNotCountEndsInPadding) {
  const RegressionHead head(ClassifierPooling::kPairMean,
                            at::tensor({0.1, 1.0, 10.0, 100.0}, at::kDouble).view({1, 4}),
                            at::ones({1}, at::kDouble));
  const at::Tensor ids = at::tensor({0, 7, 2, 2, 8, 9, 2}, at::kLong).view({1, 7});
  const at::Tensor hidden =
      at::tensor({0.01, 0.03, 5.0, 6.0, 0.002, 0.004, 7.0}, at::kDouble).view({1, 7, 1});
  const double expected = head(hidden, {ids, {}, {}}).item<double>();
  for (const int64_t filler : {0, 1, 2, 9}) {
    for (const int64_t left : {0, 1, 3}) {
      for (const int64_t right : {0, 2}) {
        const auto padded = [&](const at::Tensor& row, double value) {
          std::vector<int64_t> widths{left, right};
          if (row.dim() == 3) widths = {0, 0, left, right};
          return at::constant_pad_nd(row, widths, value);
        };
        const at::Tensor mask = padded(at::ones({1, 7}, at::kLong), 0.0).to(at::kBool);
        const at::Tensor wide = padded(ids, static_cast<double>(filler));
        EXPECT_NEAR(head(padded(hidden, 3.0), {wide, mask, {}}).item<double>(), expected, 1e-12)
            << "filler " << filler << ", " << left << " on the left, " << right << " on the right";
      }
    }
  }
}

}  // namespace
}  // namespace linformer
