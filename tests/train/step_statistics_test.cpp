#include "linformer/train/step_statistics.h"

#include <cmath>
#include <map>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "train/tiny_run.h"

#include "linformer/nn/model.h"
#include "linformer/objectives/batch_input.h"
#include "linformer/objectives/pretraining_data.h"

namespace linformer {
namespace {

TEST(StatisticsGroup, IsThePartOfTheModel) {
  const std::map<std::string, std::string> cases{
      {"roberta.embeddings.word_embeddings.weight", "embeddings"},
      {"roberta.embeddings.LayerNorm.bias", "embeddings"},
      {"roberta.encoder.layer.3.attention.self.query.weight", "layer_03.attention"},
      {"roberta.encoder.layer.3.attention.self.E", "layer_03.projection"},
      {"roberta.encoder.layer.11.attention.self.F", "layer_11.projection"},
      {"roberta.encoder.layer.0.attention.self.value_convolution.weight", "layer_00.attention"},
      {"roberta.encoder.layer.0.attention.output.LayerNorm.weight", "layer_00.attention"},
      {"roberta.encoder.layer.0.intermediate.gate.weight", "layer_00.feed_forward"},
      {"roberta.encoder.layer.0.intermediate.dense.weight", "layer_00.feed_forward"},
      {"roberta.encoder.layer.0.output.LayerNorm.bias", "layer_00.feed_forward"},
      {"roberta.encoder.E", "projection"},
      {"roberta.encoder.LayerNorm.weight", "final_norm"},
      {"lm_head.dense.weight", "head"}};
  size_t found = 0;
  for (const SharingMode sharing : {SharingMode::kHeadwise, SharingMode::kLayerwise}) {
    ModelConfig config;
    config.vocab_size = 10;
    config.hidden_size = 4;
    config.num_hidden_layers = 12;
    config.num_attention_heads = 2;
    config.intermediate_size = 4;
    config.max_sequence_length = 4;
    config.hidden_act = Activation::kSwiglu;
    config.norm_position = NormPosition::kPre;
    config.attention.projected_length = 2;
    config.attention.value_convolution = 3;
    config.attention.sharing = sharing;
    const Model model(config, 1);
    for (const Parameter& parameter : model.parameters().all()) {
      const auto expected = cases.find(parameter.name);
      if (expected == cases.end()) continue;
      EXPECT_EQ(statistics_group(parameter), expected->second) << parameter.name;
      ++found;
    }
  }
  EXPECT_EQ(found, 2 * cases.size() - 3);  // E of layers and of the model exclude each other
}

double number(const LogRecord& record, const std::string& wanted) {
  for (const auto& [name, value] : record) {
    if (name == wanted) return std::get<double>(value.get());
  }
  ADD_FAILURE() << "no " << wanted;
  return 0.0;
}

class StepStatisticsTest : public ::testing::Test {
 protected:
  StepStatisticsTest()
      : config_(tiny_.config("run")),
        data_(open_pretraining_data(config_)),
        model_(config_.model, 1),
        batch_(data_.train->batches().batch(0, 4)) {}

  TinyRun tiny_;
  PretrainConfig config_;
  PretrainingData data_;
  Model model_;
  Batch batch_;
};

TEST_F(StepStatisticsTest, NormsByHand) {
  const at::NoGradGuard no_grad;
  for (const Parameter& parameter : model_.parameters().all()) {
    if (parameter.name.ends_with(".E"))
      parameter.tensor.mutable_grad() = at::ones_like(parameter.tensor) * 6.0;
  }
  const StepStatistics statistics(model_.parameters(), /*divisor=*/3.0);
  for (const Parameter& parameter : model_.parameters().all()) {
    if (statistics_group(parameter) == "layer_01.projection") parameter.tensor.fill_(0.5);
    if (parameter.name == "lm_head.bias") parameter.tensor.add_(0.25);
  }
  const LogRecord record = statistics.after_update(7, token_states(model_.encoder(), batch_));
  EXPECT_EQ(record.front().first, "step");
  // E and F are (6, 24): 144 numbers each. Gradients of 6 / 3 in E alone: sqrt(144 * 4) = 24.
  EXPECT_NEAR(number(record, "gradients/layer_00.projection"), 24.0, 1e-5);
  EXPECT_EQ(number(record, "gradients/head"), 0.0);
  // 2 * 144 numbers of 0.5: sqrt(72).
  EXPECT_NEAR(number(record, "weights/layer_01.projection"), std::sqrt(72.0), 1e-5);
  EXPECT_EQ(number(record, "updates/layer_00.projection"), 0.0);
  // A bias for each of the 1,000 ids: sqrt(1000 / 16).
  const auto ids = static_cast<double>(config_.model.vocab_size);
  EXPECT_NEAR(number(record, "updates/head"), std::sqrt(ids / 16.0), 1e-4);
}

TEST_F(StepStatisticsTest, ActivationsAreThoseOfTheTokens) {
  // The second row is shorter than the first, so the batch has padding.
  const std::vector<BatchRow> rows{{{{0, 9, 5, 7, 8, 9, 10, 11, 12, 2}, {}, {}}, {}, {}},
                                   {{{0, 9, 2}, {}, {}}, {}, {}}};
  const Batch batch = make_batch(rows, config_.model.max_sequence_length);
  ASSERT_TRUE(batch.has_padding);
  const LogRecord record = StepStatistics(model_.parameters(), 1.0)
                               .after_update(1, token_states(model_.encoder(), batch));
  // Post-norm: each row of a layer's output has mean 0 and deviation 1 (the norm's weights are 1).
  for (const char* place : {"embeddings", "layer_00", "layer_01"}) {
    const std::string name = std::string("activations/") + place;
    EXPECT_NEAR(number(record, name + ".mean"), 0.0, 1e-5) << place;
    EXPECT_NEAR(number(record, name + ".std"), 1.0, 2e-2) << place;
    EXPECT_GT(number(record, name + ".max"), 1.0) << place;
    EXPECT_LT(number(record, name + ".max"), 4.0) << place;  // at most sqrt(16 - 1)
  }
}

}  // namespace
}  // namespace linformer
