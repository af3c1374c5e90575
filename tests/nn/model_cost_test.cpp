#include "linformer/nn/model_cost.h"

#include <chrono>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/temporary_folder.h"
#include "nn/attention_variants.h"

#include "linformer/core/error.h"
#include "linformer/nn/model.h"

namespace linformer {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

/// The official code's base model with its dummy vocabulary: n = 512, k = 128.
ModelConfig base() {
  ModelConfig config;
  config.vocab_size = 50000;
  return config;
}

int64_t count_with(SharingMode sharing) {
  ModelConfig config = base();
  config.attention.sharing = sharing;
  return count_parameters(config).total();
}

TEST(CountParameters, BaseModelByHand) {
  const ParameterCounts counts = count_parameters(base());
  EXPECT_EQ(counts.embeddings, 50000 * 768 + 514 * 768 + 2 * 768);
  // 4 matrices C x C and 2 of C x 4C; biases 4 C + 4 C + C; two norms of 2 C.
  EXPECT_EQ(counts.layers, 12 * (12 * 768 * 768 + 13 * 768));
  EXPECT_EQ(counts.projections, 12 * 2 * 128 * 512);
  EXPECT_EQ(counts.head, 768 * 768 + 3 * 768 + 50000);
}

// The counts of the official code (../shared/linformer.md, section 2.7).
TEST(CountParameters, OfficialBaseModels) {
  EXPECT_EQ(count_with(SharingMode::kHeadwise), 126'065'744);
  EXPECT_EQ(count_with(SharingMode::kKeyValue), 125'279'312);
  // The official layerwise model carries a bias of 128 numbers that nothing uses.
  EXPECT_EQ(count_with(SharingMode::kLayerwise), 124'558'544 - 128);
  ModelConfig untied = base();
  untied.tie_word_embeddings = false;
  EXPECT_EQ(count_parameters(untied).total(), 164'465'744);
  ModelConfig standard = base();
  standard.attention.type = AttentionType::kStandard;
  EXPECT_EQ(count_parameters(standard).total(), 124'492'880);
  // One E and one F a head: 2 x 12 x 12 = 288 matrices of 128 x 512.
  EXPECT_EQ(count_with(SharingMode::kNone), 124'492'880 + 288 * 128 * 512);
}

TEST(CountParameters, EqualsTheModelsThatAreBuilt) {
  ModelConfig config;
  config.vocab_size = 23;
  config.hidden_size = 8;
  config.num_hidden_layers = 2;
  config.num_attention_heads = 2;
  config.intermediate_size = 24;
  config.max_sequence_length = 12;
  std::vector<ModelConfig> variants = testing::attention_variants(config);
  const auto add = [&](auto&& change) {
    variants.push_back(config);
    change(variants.back());
  };
  add([](ModelConfig& c) { c.norm_position = NormPosition::kPre; });
  add([](ModelConfig& c) { c.norm_type = NormType::kRmsNorm; });
  add([](ModelConfig& c) { c.type_vocab_size = 2; });
  add([](ModelConfig& c) { c.hidden_act = Activation::kSwiglu; });
  add([](ModelConfig& c) { c.tie_word_embeddings = false; });
  for (ModelConfig& variant : variants) {
    if (variant.projected_lengths(0).front() > 12) variant.attention.projected_length = 4;
    const Model model(variant, 1);
    EXPECT_EQ(count_parameters(variant).total(), model.parameters().count())
        << testing::describe(variant);
  }
}

TEST(NeededFlop, SmallModelByHand) {
  ModelConfig config;
  config.vocab_size = 16000;
  config.hidden_size = 256;
  config.num_hidden_layers = 4;
  config.num_attention_heads = 4;
  config.intermediate_size = 1024;
  // Outputs of a layer: 10 * 65,536 + 2 * 128 * 256 = 720,896; its keys and values: 2 * 65,536 / 4
  // + 2 * 128 * 256 = 98,304. Head: 0.15 * (65,536 + 256 * 16,000) = 624,230.4. The last layer has
  // outputs at 0.15 of the positions.
  EXPECT_DOUBLE_EQ(encoder_flops_per_token(config), 2 * 4 * 819'200);
  EXPECT_DOUBLE_EQ(model_flops_per_token(config, 0.15),
                   6 * (3.15 * 720'896 + 4 * 98'304 + 624'230.4));
  config.attention.type = AttentionType::kStandard;
  // Outputs: 10 * 65,536 + 2 * 512 * 256 = 917,504; keys and values: 2 * 65,536.
  EXPECT_DOUBLE_EQ(model_flops_per_token(config, 0.15),
                   6 * (3.15 * 917'504 + 4 * 131'072 + 624'230.4));
}

TEST(EstimateMemory, ParametersGradientsAndTwoMoments) {
  const ModelConfig config = base();
  const MemoryEstimate memory = estimate_memory(config, 2, 0.15);
  EXPECT_EQ(memory.parameters, 4 * 126'065'744);
  EXPECT_EQ(memory.gradients, memory.parameters);
  EXPECT_EQ(memory.optimizer, 2 * memory.parameters);
  EXPECT_GT(estimate_memory(config, 4, 0.15).activations, memory.activations);
  ModelConfig frozen = config;  // E and F have no gradient then
  frozen.attention.train_projection = false;
  const MemoryEstimate less = estimate_memory(frozen, 2, 0.15);
  EXPECT_EQ(less.parameters, memory.parameters);
  const int64_t projections = count_parameters(config).projections;
  EXPECT_GT(projections, 0);
  EXPECT_EQ(less.gradients, memory.gradients - 4 * projections);
  EXPECT_EQ(less.optimizer, memory.optimizer - 8 * projections);
}

TEST(EstimateMemory, TheLargestModelThatPassesValidationDoesNotOverflow) {
  ModelConfig config;
  config.vocab_size = 1 << 24;
  config.hidden_size = 1 << 20;
  config.num_attention_heads = 1 << 12;
  config.num_hidden_layers = 4096;
  config.intermediate_size = 1 << 20;
  config.max_sequence_length = 1 << 24;
  config.attention.projected_length = 1 << 4;
  config.validate();
  EXPECT_GT(count_parameters(config).total(), int64_t{1} << 54);
  const MemoryEstimate memory = estimate_memory(config, 1 << 24, 0.15);
  for (const int64_t part : {memory.parameters, memory.gradients, memory.optimizer,
                             memory.activations, memory.logits, memory.total()}) {
    EXPECT_GT(part, 0);
  }
}

TEST(CheckMemory, RefusesWhatDoesNotFitBeforeItIsBuilt) {
  check_memory(base(), kWeightBytes);
  ModelConfig config = base();
  config.hidden_size = 1 << 20;
  config.num_attention_heads = 1 << 10;
  EXPECT_THAT(message_of<UsageError>([&] { check_memory(config, kTrainingBytes); }),
              AllOf(HasSubstr("with their gradients and moments"), HasSubstr("are free")));
  EXPECT_THROW(Model(config, 1), UsageError);
}

TEST(CheckMemory, DeepModelsAreBuiltInTimeThatGrowsWithTheirDepth) {
  ModelConfig config;
  config.vocab_size = 100;
  config.hidden_size = 8;
  config.num_attention_heads = 1;
  config.intermediate_size = 8;
  config.max_sequence_length = 8;
  config.attention.projected_length = 4;
  config.num_hidden_layers = 1500;
  const auto start = std::chrono::steady_clock::now();
  const Model model(config, 1);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(60));
  EXPECT_EQ(model.parameters().count(), count_parameters(config).total());
}

}  // namespace
}  // namespace linformer
