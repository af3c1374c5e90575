#include "linformer/nn/masked_lm_model.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "nn/reference_model.h"
#include "torch_test_support.h"

namespace linformer {
namespace {

using testing::load_reference_model;
using testing::ReferenceModel;
using testing::relative_difference;

constexpr double kTolerance = 1e-5;

/// Mean loss over the labelled positions, through the head that only sees those.
at::Tensor mean_loss(const MaskedLmModel& model, const at::Tensor& hidden,
                     const at::Tensor& labels) {
  const at::Tensor flat = labels.flatten();
  const at::Tensor rows = flat.ne(-100).nonzero().squeeze(1);
  const at::Tensor picked = hidden.flatten(0, 1).index_select(0, rows);
  return model.head().loss_sum(picked, flat.index_select(0, rows)) / rows.size(0);
}

class Reference : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (!testing::has_reference_models()) GTEST_SKIP() << "../shared/fixtures is absent";
    reference_ = load_reference_model(GetParam());
    input_ids_ = reference_.inputs.at("input_ids");
    const auto mask = reference_.inputs.find("attention_mask");
    if (mask != reference_.inputs.end()) mask_ = mask->second.to(at::kBool);
  }

  at::Tensor forward() {
    ForwardContext evaluation;
    return reference_.model->encoder().forward(input_ids_, mask_, evaluation);
  }

  /// Valid positions of (B, N, ...): what the other code computes at padding is not compared.
  at::Tensor valid(const at::Tensor& values) const {
    return mask_.defined() ? values.index({mask_}) : values;
  }

  ReferenceModel reference_;
  at::Tensor input_ids_;
  at::Tensor mask_;
};

TEST_P(Reference, HiddenStatesAndLogits) {
  const at::NoGradGuard no_grad;
  const at::Tensor hidden = forward();
  const auto& outputs = reference_.outputs;
  const auto features = outputs.find("features");
  const at::Tensor& expected =
      features != outputs.end() ? features->second : outputs.at("hidden_states.2");
  EXPECT_LT(relative_difference(valid(hidden), valid(expected)), kTolerance);
  const at::Tensor logits = reference_.model->head().logits(hidden.flatten(0, 1));
  EXPECT_LT(relative_difference(valid(logits.view(outputs.at("logits").sizes())),
                                valid(outputs.at("logits"))),
            kTolerance);
}

TEST_P(Reference, LossAndEveryGradient) {
  const at::Tensor loss = mean_loss(*reference_.model, forward(), reference_.inputs.at("labels"));
  EXPECT_LT(relative_difference(loss.detach().view(1), reference_.outputs.at("loss")), kTolerance);
  loss.backward();
  for (const Parameter& parameter : reference_.model->parameters().all()) {
    ASSERT_TRUE(parameter.tensor.grad().defined()) << parameter.name;
    at::Tensor ours = parameter.tensor.grad();
    if (ours.is_sparse()) ours = ours.to_dense();
    const at::Tensor& theirs = reference_.gradient(parameter.name);
    if (parameter.name.ends_with("key.bias") && theirs.abs().max().item<double>() < 1e-6) {
      // Adding one number to all scores of a query changes no softmax: zero but for rounding.
      EXPECT_LT(ours.abs().max().item<double>(), 1e-6) << parameter.name;
      continue;
    }
    EXPECT_LT(relative_difference(ours, theirs), kTolerance) << parameter.name;
  }
}

INSTANTIATE_TEST_SUITE_P(OtherPrograms, Reference,
                         ::testing::Values("fairseq-linformer-headwise",
                                           "fairseq-linformer-key-value",
                                           "fairseq-linformer-layerwise",
                                           "fairseq-linformer-short-input", "fairseq-roberta",
                                           "hf-roberta-masked-lm"),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

ModelConfig tiny() {
  ModelConfig config;
  config.vocab_size = 11;
  config.hidden_size = 8;
  config.num_hidden_layers = 1;
  config.num_attention_heads = 2;
  config.intermediate_size = 16;
  config.max_sequence_length = 6;
  config.attention.projected_length = 3;
  return config;
}

TEST(MaskedLmModel, StartIsAFunctionOfSeedAndName) {
  const MaskedLmModel a(tiny(), 1);
  const MaskedLmModel b(tiny(), 1);
  const MaskedLmModel other_seed(tiny(), 2);
  ModelConfig deeper = tiny();
  deeper.num_hidden_layers = 2;
  const MaskedLmModel c(deeper, 1);
  const std::string name = "roberta.encoder.layer.0.intermediate.dense.weight";
  EXPECT_TRUE(at::equal(a.parameters().get(name), b.parameters().get(name)));
  EXPECT_TRUE(at::equal(a.parameters().get(name), c.parameters().get(name)));
  EXPECT_FALSE(at::equal(a.parameters().get(name), other_seed.parameters().get(name)));
}

TEST(MaskedLmModel, HasHuggingFacesNames) {
  const MaskedLmModel model(tiny(), 1);
  for (const char* name :
       {"roberta.embeddings.word_embeddings.weight", "roberta.embeddings.LayerNorm.bias",
        "roberta.encoder.layer.0.attention.self.query.weight",
        "roberta.encoder.layer.0.attention.self.E", "roberta.encoder.layer.0.attention.self.F",
        "roberta.encoder.layer.0.attention.output.dense.bias", "lm_head.dense.weight",
        "lm_head.layer_norm.weight", "lm_head.bias"}) {
    EXPECT_NO_THROW(model.parameters().get(name)) << name;
  }
  EXPECT_THROW(model.parameters().get("lm_head.decoder.weight"), std::out_of_range);  // tied
}

TEST(MaskedLmModel, GradientsOfTheWholeModelMatchDifferences) {
  for (const NormPosition norm : {NormPosition::kPost, NormPosition::kPre}) {
    ModelConfig config = tiny();
    config.norm_position = norm;
    config.attention.value_convolution = 3;
    config.initializer_range = 0.3;  // away from the flat start
    const MaskedLmModel model(config, 3, at::kDouble);
    const at::Tensor input_ids = at::tensor({0, 5, 7, 2, 1, 0, 4, 6, 9, 2}, at::kLong).view({2, 5});
    const at::Tensor mask = input_ids.ne(1);
    const at::Tensor labels =
        at::tensor({-100, 3, -100, 8, -100, -100, 4, -100, 10, -100}, at::kLong).view({2, 5});
    const auto loss = [&] {
      ForwardContext evaluation;
      return mean_loss(model, model.encoder().forward(input_ids, mask, evaluation), labels);
    };
    loss().backward();
    const at::NoGradGuard no_grad;
    for (const Parameter& parameter : model.parameters().all()) {
      at::Tensor gradient = parameter.tensor.grad();
      if (gradient.is_sparse()) gradient = gradient.to_dense();
      gradient = gradient.flatten();
      at::Tensor values = parameter.tensor.detach().view(-1);
      // A few numbers of each tensor, so that every tensor is covered in seconds.
      for (int64_t i = 0; i < values.numel(); i += 1 + values.numel() / 5) {
        const double kept = values[i].item<double>();
        values[i] = kept + 1e-5;
        const double above = loss().item<double>();
        values[i] = kept - 1e-5;
        const double below = loss().item<double>();
        values[i] = kept;
        EXPECT_NEAR(gradient[i].item<double>(), (above - below) / 2e-5, 1e-7)
            << parameter.name << " " << i;
      }
    }
  }
}

}  // namespace
}  // namespace linformer
