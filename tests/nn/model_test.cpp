#include "linformer/nn/model.h"

#include <memory>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "kernels/reference_path.h"
#include "nn/attention_variants.h"
#include "nn/reference_model.h"
#include "torch_test_support.h"

#include "linformer/kernels/mixed_precision.h"
#include "linformer/kernels/prediction_scope.h"

namespace linformer {
namespace {

using testing::load_reference_model;
using testing::ReferenceModel;
using testing::relative_difference;

constexpr double kTolerance = 1e-5;

/// Mean loss over the labelled positions, through the head that only sees those.
at::Tensor mean_loss(const Model& model, const at::Tensor& hidden, const at::Tensor& labels) {
  const at::Tensor flat = labels.flatten();
  const at::Tensor rows = flat.ne(-100).nonzero().squeeze(1);
  const at::Tensor picked = hidden.flatten(0, 1).index_select(0, rows);
  return model.masked_lm_head().loss_sum(picked, flat.index_select(0, rows)) / rows.size(0);
}

class Reference : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (!testing::has_reference_models()) GTEST_SKIP() << "../shared/fixtures is absent";
    reference_ = load_reference_model(GetParam());
    model_ = std::make_unique<Model>(reference_.source.config, /*seed=*/1);
    reference_.copy_into(model_->parameters());
    input_ids_ = reference_.inputs.at("input_ids");
    const auto mask = reference_.inputs.find("attention_mask");
    if (mask != reference_.inputs.end()) mask_ = mask->second.to(at::kBool);
  }

  at::Tensor forward(std::vector<at::Tensor>* hidden_states = nullptr) {
    ForwardContext evaluation;
    return model_->encoder().forward({input_ids_, mask_, {}}, evaluation, hidden_states);
  }

  /// Valid positions of (B, N, ...): what the other code computes at padding is not compared.
  at::Tensor valid(const at::Tensor& values) const {
    return mask_.defined() ? values.index({mask_}) : values;
  }

  ReferenceModel reference_;
  std::unique_ptr<Model> model_;
  at::Tensor input_ids_;
  at::Tensor mask_;
};

TEST_P(Reference, HiddenStatesAndLogits) {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> states;
  const at::Tensor hidden = forward(&states);
  const auto& outputs = reference_.outputs;
  if (outputs.count("features")) {
    EXPECT_LT(relative_difference(hidden, outputs.at("features")), kTolerance);
  }
  for (size_t i = 0; i < states.size(); ++i) {
    const auto expected = outputs.find("hidden_states." + std::to_string(i));
    if (expected == outputs.end()) continue;
    EXPECT_LT(relative_difference(valid(states[i]), valid(expected->second)), kTolerance) << i;
  }
  const at::Tensor logits = model_->masked_lm_head().logits(hidden.flatten(0, 1));
  EXPECT_LT(relative_difference(valid(logits.view(outputs.at("logits").sizes())),
                                valid(outputs.at("logits"))),
            kTolerance);
}

TEST_P(Reference, LossAndEveryGradient) {
  const at::Tensor loss = mean_loss(*model_, forward(), reference_.inputs.at("labels"));
  EXPECT_LT(relative_difference(loss.detach().view(1), reference_.outputs.at("loss")), kTolerance);
  loss.backward();
  for (const Parameter& parameter : model_->parameters().all()) {
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

TEST(Model, StartIsAFunctionOfSeedAndName) {
  const Model a(tiny(), 1);
  const Model b(tiny(), 1);
  const Model other_seed(tiny(), 2);
  ModelConfig deeper = tiny();
  deeper.num_hidden_layers = 2;
  const Model c(deeper, 1);
  const std::string name = "roberta.encoder.layer.0.intermediate.dense.weight";
  EXPECT_TRUE(at::equal(a.parameters().get(name), b.parameters().get(name)));
  EXPECT_TRUE(at::equal(a.parameters().get(name), c.parameters().get(name)));
  EXPECT_FALSE(at::equal(a.parameters().get(name), other_seed.parameters().get(name)));
}

TEST(Model, HasHuggingFacesNames) {
  const Model model(tiny(), 1);
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

TEST(Model, GradientsOfTheWholeModelMatchDifferences) {
  for (const bool modern : {false, true}) {
    ModelConfig config = tiny();
    config.norm_position = modern ? NormPosition::kPre : NormPosition::kPost;
    config.norm_type = modern ? NormType::kRmsNorm : NormType::kLayerNorm;
    config.hidden_act = modern ? Activation::kSwiglu : Activation::kGeluNew;
    config.type_vocab_size = modern ? 1 : 0;
    config.attention.value_convolution = 3;
    config.initializer_range = 0.3;  // away from the flat start
    const Model model(config, 3, at::kDouble);
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

// The official code's base model (untied, a vocabulary of 50,000) begins at 15.893 bits with dummy
// data (../shared/linformer.md, section 2.7); uniform guessing would be 15.610.
TEST(Model, BeginsAtTheOfficialLoss) {
  ModelConfig config;
  config.vocab_size = 50000;
  config.tie_word_embeddings = false;
  config.attention.order = ProjectionOrder::kSequenceFirst;
  config.hidden_dropout_prob = 0.0;
  config.attention_probs_dropout_prob = 0.0;
  const Model model(config, 1);
  const at::NoGradGuard no_grad;
  // Two of the batch's eight sequences: counting words, every seventh to be predicted.
  const at::Tensor words = at::arange(2 * 512, at::kLong).view({2, 512}) + 4;
  const at::Tensor labels = words.masked_fill(words.remainder(7).ne(0), -100);
  const at::Tensor input_ids = words.masked_fill(labels.ne(-100), config.vocab_size - 1);
  ForwardContext evaluation;
  const at::Tensor hidden = model.encoder().forward(input_ids, {}, evaluation);
  const double bits = mean_loss(model, hidden, labels).item<double>() / std::log(2.0);
  EXPECT_NEAR(bits, 15.893, 0.02 * 15.893);
  EXPECT_GT(bits, 15.610);  // not the uniform guess either: logits have some spread
}

/// Loss and gradients of a model of every kind of attention with dropout, on a padded batch whose
/// padding holds `filler`.
struct Outcome {
  double loss = 0.0;
  std::vector<at::Tensor> gradients;
};

Outcome train_once(const Model& model, Precision precision, int64_t filler = 1,
                   bool recompute = false) {
  const at::Tensor input_ids = at::tensor({0L, 5L, 7L, 3L, 4L, 2L, filler, filler, 0L, 4L, 6L, 9L,
                                           2L, filler, filler, filler})
                                   .view({2, 8});
  const at::Tensor labels = at::tensor({-100, 3, -100, 8, -100, -100, -100, -100, -100, 4, -100, 10,
                                        -100, -100, -100, -100},
                                       at::kLong)
                                .view({2, 8});
  const at::Tensor lengths = at::tensor({6, 5}, at::kLong).unsqueeze(1);
  const at::Tensor mask = at::arange(8, at::kLong).unsqueeze(0).lt(lengths);
  for (const Parameter& parameter : model.parameters().all()) {
    at::Tensor(parameter.tensor).mutable_grad().reset();
  }
  ForwardContext context(7);
  context.set_recompute(recompute);
  at::Tensor loss;
  {
    const AutocastScope scope{MixedPrecision(precision)};
    loss = mean_loss(model, model.encoder().forward(input_ids, mask, context), labels);
  }
  loss.backward();
  Outcome outcome{loss.item<double>(), {}};
  for (const Parameter& parameter : model.parameters().all()) {
    const at::Tensor& gradient = parameter.tensor.grad();
    outcome.gradients.push_back(gradient.defined() ? gradient.to_dense() : at::Tensor());
  }
  return outcome;
}

std::vector<ModelConfig> small_variants() {
  ModelConfig config;
  config.vocab_size = 12;
  config.hidden_size = 8;
  config.num_hidden_layers = 2;
  config.num_attention_heads = 2;
  config.intermediate_size = 16;
  config.max_sequence_length = 8;
  config.initializer_range = 0.3;
  std::vector<ModelConfig> variants = testing::attention_variants(config);
  config.attention.projected_length = 4;
  config.norm_position = NormPosition::kPre;
  for (const auto norm : {NormType::kLayerNorm, NormType::kRmsNorm}) {
    for (const auto act : {Activation::kGelu, Activation::kSwiglu, Activation::kGeglu}) {
      config.norm_type = norm;
      config.hidden_act = act;
      config.type_vocab_size = norm == NormType::kRmsNorm ? 2 : 0;
      variants.push_back(config);
    }
  }
  return variants;
}

// What other devices compute, on the CPU: same numbers and, dropout being on, same masks.
TEST(Model, ComposedOperationsGiveTheFusedKernelsNumbers) {
  for (const ModelConfig& config : small_variants()) {
    const Model model(config, 3, at::kDouble);
    const Outcome fused = train_once(model, Precision::kFp32);
    const ReferencePath path;
    const Outcome composed = train_once(model, Precision::kFp32);
    EXPECT_NEAR(composed.loss, fused.loss, 1e-6) << testing::describe(config);
    for (size_t i = 0; i < fused.gradients.size(); ++i) {
      if (!fused.gradients[i].defined()) continue;
      EXPECT_LT((composed.gradients[i] - fused.gradients[i]).abs().max().item<double>(), 1e-5)
          << testing::describe(config) << " " << model.parameters().all()[i].name;
    }
  }
}

TEST(Model, LowPrecisionIsNearFp32WithGradientsInFp32) {
  for (const ModelConfig& config : small_variants()) {
    const Model model(config, 3);
    const Outcome full = train_once(model, Precision::kFp32);
    for (const auto& [precision, unit] :
         {std::pair{Precision::kBf16, 1.0 / 256}, std::pair{Precision::kFp16, 1.0 / 2048}}) {
      const Outcome low = train_once(model, precision);
      EXPECT_NE(low.loss, full.loss);
      EXPECT_NEAR(low.loss, full.loss, 8 * unit) << testing::describe(config);
      double difference = 0.0;
      double size = 0.0;
      for (size_t i = 0; i < full.gradients.size(); ++i) {
        if (!full.gradients[i].defined()) continue;
        ASSERT_EQ(low.gradients[i].scalar_type(), at::kFloat);
        difference += (low.gradients[i] - full.gradients[i]).square().sum().item<double>();
        size += full.gradients[i].square().sum().item<double>();
      }
      EXPECT_LT(std::sqrt(difference / size), 16 * unit) << testing::describe(config);
    }
  }
}

TEST(Model, PaddingChangesNoBitInLowPrecisionAndRecomputingNeither) {
  for (const ModelConfig& config : small_variants()) {
    const Model model(config, 3);
    for (const Precision precision : {Precision::kBf16, Precision::kFp16}) {
      const Outcome expected = train_once(model, precision);
      for (const Outcome& other : {train_once(model, precision, /*filler=*/11),
                                   train_once(model, precision, 1, /*recompute=*/true)}) {
        EXPECT_EQ(other.loss, expected.loss) << testing::describe(config);
        for (size_t i = 0; i < expected.gradients.size(); ++i) {
          if (!expected.gradients[i].defined()) continue;
          EXPECT_TRUE(at::equal(other.gradients[i], expected.gradients[i]))
              << testing::describe(config) << " " << model.parameters().all()[i].name;
        }
      }
    }
  }
}

/// Outputs of a model for a padded batch: logits of the valid positions, or of a classification.
at::Tensor predict(const Model& model, PredictionPrecision precision) {
  const at::Tensor input_ids =
      at::tensor({0L, 5L, 7L, 3L, 4L, 2L, 1L, 1L, 0L, 4L, 6L, 9L, 2L, 1L, 1L, 1L}).view({2, 8});
  const EncoderInput input{input_ids, input_ids.ne(1), {}};
  const at::NoGradGuard no_grad;
  const PredictionScope scope(precision, at::kCPU);
  ForwardContext evaluation;
  if (!model.is_masked_lm()) {
    return model.classification_head().logits(model.encoder(), input, evaluation);
  }
  const at::Tensor hidden = model.encoder().forward(input, evaluation);
  return model.masked_lm_head().logits(hidden.index({input.mask}));
}

TEST(Model, PredictionsInLowPrecisionAreNearFp32) {
  for (ModelConfig config : small_variants()) {
    // Wide enough that the errors of the roundings cancel in part, as they do in real models.
    config.hidden_size = 64;
    config.intermediate_size = 128;
    config.initializer_range = 0.1;
    for (const HeadConfig& head :
         {HeadConfig{}, HeadConfig{HeadType::kClassification, {"a", "b", "c", "d", "e"}}}) {
      const Model model(config, head, 3);
      const at::Tensor full = predict(model, PredictionPrecision::kFp32);
      for (const auto& [precision, most] : {std::pair{PredictionPrecision::kBf16, 0.03},
                                            std::pair{PredictionPrecision::kInt8, 0.06}}) {
        const at::Tensor low = predict(model, precision);
        ASSERT_EQ(low.scalar_type(), at::kFloat);
        const double error = (low - full).norm().item<double>() / full.norm().item<double>();
        EXPECT_GT(error, 0.0) << testing::describe(config) << name_of(precision);
        EXPECT_LT(error, most) << testing::describe(config) << name_of(precision);
      }
      EXPECT_TRUE(at::equal(predict(model, PredictionPrecision::kFp32), full));
    }
  }
}

}  // namespace
}  // namespace linformer
