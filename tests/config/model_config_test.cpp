#include "linformer/config/model_config.h"

#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/temporary_folder.h"

#include "linformer/config/config_file.h"
#include "linformer/core/error.h"

namespace linformer {
namespace {

using ::testing::HasSubstr;

std::string refusal(const std::function<void(ModelConfig&)>& change) {
  ModelConfig config;
  change(config);
  return message_of<UsageError>([&] { config.validate(); });
}

TEST(EnumNames, GoBothWays) {
  static_assert(name_of(SharingMode::kKeyValue) == "key_value");
  static_assert(enum_of<ProjectionInit>("jl") == ProjectionInit::kJl);
  static_assert(!enum_of<AttentionType>("windowed"));
  EXPECT_EQ(enum_of<SharingMode>("layerwise"), SharingMode::kLayerwise);
}

TEST(ModelConfig, DefaultsAreRobertaBaseWithThePapersLinformer) {
  const ModelConfig config;
  EXPECT_NO_THROW(config.validate());
  EXPECT_EQ(config.head_size(), 64);
  EXPECT_EQ(config.num_position_rows(), 514);
  EXPECT_EQ(config.resolved_initializer_range(), 0.02);
}

TEST(ModelConfig, AutoInitializerRangeFollowsTheWidth) {
  ModelConfig config;
  config.initializer_range.reset();
  config.hidden_size = 900;  // root 30, so 0.9 / 30
  EXPECT_DOUBLE_EQ(config.resolved_initializer_range(), 0.03);
}

TEST(ModelConfig, RefusesHeadsThatDoNotDivideTheWidth) {
  EXPECT_EQ(refusal([](ModelConfig& c) { c.num_attention_heads = 5; }),
            "model.num_attention_heads: 5 heads do not divide hidden_size 768\n"
            "  fix: choose a divisor, e.g. 4");
}

TEST(ModelConfig, RefusesMoreRowsThanPositionsForLinformerOnly) {
  const auto small = [](ModelConfig& c) { c.max_sequence_length = 64; };
  EXPECT_EQ(refusal(small),
            "model.attention.projected_length: k = 128 exceeds max_sequence_length n = 64\n"
            "  fix: choose k <= n, e.g. n / 4 = 16");
  ModelConfig equal;
  equal.max_sequence_length = 64;
  equal.attention.projected_length = 64;
  EXPECT_NO_THROW(equal.validate());
  ModelConfig standard;
  small(standard);
  standard.attention.type = AttentionType::kStandard;
  EXPECT_NO_THROW(standard.validate());
}

TEST(ModelConfig, ValueConvolutionIsOddOrAbsent) {
  EXPECT_THAT(refusal([](ModelConfig& c) { c.attention.value_convolution = 4; }),
              HasSubstr("4 is even"));
  EXPECT_THAT(refusal([](ModelConfig& c) { c.attention.value_convolution = -1; }),
              HasSubstr("-1 is too small"));
  ModelConfig config;
  config.attention.value_convolution = 5;
  EXPECT_NO_THROW(config.validate());
  config.attention.type = AttentionType::kStandard;  // a fair comparison gives it to both
  EXPECT_NO_THROW(config.validate());
}

TEST(ModelConfig, RefusesNumbersOutOfRangeByName) {
  const std::vector<std::pair<std::string, std::function<void(ModelConfig&)>>> cases{
      {"model.vocab_size", [](ModelConfig& c) { c.vocab_size = 5; }},
      {"model.vocab_size", [](ModelConfig& c) { c.vocab_size = -1; }},
      {"model.hidden_size", [](ModelConfig& c) { c.hidden_size = 0; }},
      {"model.num_hidden_layers", [](ModelConfig& c) { c.num_hidden_layers = 0; }},
      {"model.num_attention_heads", [](ModelConfig& c) { c.num_attention_heads = 0; }},
      {"model.intermediate_size", [](ModelConfig& c) { c.intermediate_size = 0; }},
      {"model.hidden_dropout_prob", [](ModelConfig& c) { c.hidden_dropout_prob = 1.0; }},
      {"model.attention_probs_dropout_prob",
       [](ModelConfig& c) { c.attention_probs_dropout_prob = -0.1; }},
      {"model.max_sequence_length", [](ModelConfig& c) { c.max_sequence_length = 2; }},
      {"model.layer_norm_eps", [](ModelConfig& c) { c.layer_norm_eps = 0.0; }},
      {"model.initializer_range", [](ModelConfig& c) { c.initializer_range = 0.0; }},
      {"model.attention.projected_length",
       [](ModelConfig& c) { c.attention.projected_length = 0; }},
  };
  for (const auto& [key, change] : cases) EXPECT_THAT(refusal(change), HasSubstr(key + ": "));
}

NestedNumbers per_layer(const std::vector<OneOrMany<int64_t>>& layers) {
  return NestedNumbers(layers);
}

TEST(ModelConfig, ListsGiveEachLayerAndHeadItsOwn) {
  ModelConfig config;
  read_yaml(fields_of(config),
            "num_hidden_layers: 2\nnum_attention_heads: 4\nattention:\n"
            "  type: [linformer, standard]\n  sharing: none\n"
            "  projected_length: [[64, 64, 32, 16], 8]\n",
            "text");
  EXPECT_NO_THROW(config.validate());
  EXPECT_EQ(config.attention_type(0), AttentionType::kLinformer);
  EXPECT_EQ(config.attention_type(1), AttentionType::kStandard);
  EXPECT_EQ(config.projected_lengths(0), (std::vector<int64_t>{64, 64, 32, 16}));
  EXPECT_EQ(config.projected_lengths(1), (std::vector<int64_t>{8}));
}

TEST(ModelConfig, RefusesWhatContradictsItself) {
  struct Case {
    std::string message;
    std::function<void(ModelConfig&)> change;
  };
  const std::vector<Case> cases{
      {"a list of 2 for 12 layers",
       [](ModelConfig& c) {
         c.attention.projected_length = per_layer({64, 32});
       }},
      {"a list of 2 for 12 layers",
       [](ModelConfig& c) {
         c.attention.type = OneOrMany<AttentionType>(
             std::vector{AttentionType::kStandard, AttentionType::kLinformer});
       }},
      {"a list of 2 for 3 heads",
       [](ModelConfig& c) {
         c.num_attention_heads = 3;
         c.attention.sharing = SharingMode::kNone;
         c.attention.projected_length = OneOrMany<int64_t>(std::vector<int64_t>{64, 32});
       }},
      {"k = 600 of layer 1 exceeds",
       [](ModelConfig& c) {
         c.num_hidden_layers = 2;
         c.attention.projected_length = per_layer({64, 600});
       }},
      {"one k per head contradicts sharing headwise",
       [](ModelConfig& c) {
         c.num_attention_heads = 2;
         c.attention.projected_length = OneOrMany<int64_t>(std::vector<int64_t>{64, 32});
       }},
      {"k = 64 and 32 contradict sharing layerwise",
       [](ModelConfig& c) {
         c.num_hidden_layers = 2;
         c.attention.sharing = SharingMode::kLayerwise;
         c.attention.projected_length = per_layer({64, 32});
       }},
      {"k = 100 does not divide n = 512, as projection conv needs it to",
       [](ModelConfig& c) {
         c.attention.projection = ProjectionType::kConv;
         c.attention.projected_length = 100;
       }},
      {"one k per head is not possible with projection conv",
       [](ModelConfig& c) {
         c.num_attention_heads = 2;
         c.attention.projection = ProjectionType::kConv;
         c.attention.sharing = SharingMode::kNone;
         c.attention.projected_length = OneOrMany<int64_t>(std::vector<int64_t>{64, 32});
       }},
      {"jl is for dense matrices",
       [](ModelConfig& c) {
         c.attention.projection = ProjectionType::kConv;
         c.attention.init = ProjectionInit::kJl;
       }},
      {"is for matrices E, F; projection is mean_pool",
       [](ModelConfig& c) {
         c.attention.projection = ProjectionType::kMeanPool;
         c.attention.rescale_padding = true;
       }},
      {"k = 100 does not divide n = 512, as projection strided needs it to",
       [](ModelConfig& c) {
         c.attention.projection = ProjectionType::kStrided;
         c.attention.sharing = SharingMode::kNone;
         c.attention.projected_length = 100;
       }},
      {"headwise, and projection strided has one E per head",
       [](ModelConfig& c) { c.attention.projection = ProjectionType::kStrided; }},
      {"jl, and projection strided starts as exact positions",
       [](ModelConfig& c) {
         c.attention.projection = ProjectionType::kStrided;
         c.attention.sharing = SharingMode::kNone;
         c.attention.init = ProjectionInit::kJl;
       }},
      {"one k per head is not possible with projection strided",
       [](ModelConfig& c) {
         c.num_attention_heads = 2;
         c.attention.projection = ProjectionType::kStrided;
         c.attention.sharing = SharingMode::kNone;
         c.attention.projected_length = OneOrMany<int64_t>(std::vector<int64_t>{64, 32});
       }},
      {"model.attention.attention_window: 33 is odd",
       [](ModelConfig& c) {
         c.attention.type = AttentionType::kLocalWindow;
         c.attention.attention_window = 33;
       }},
      {"model.type_vocab_size", [](ModelConfig& c) { c.type_vocab_size = -1; }}};
  for (const Case& one : cases) {
    EXPECT_THAT(refusal(one.change), HasSubstr(one.message));
    EXPECT_THAT(refusal(one.change), HasSubstr("fix: "));
  }
}

TEST(ModelConfig, OnlyPlainRobertasOpenInTransformers) {
  ModelConfig config;
  EXPECT_FALSE(config.is_plain_roberta());
  config.attention.type = AttentionType::kStandard;
  EXPECT_TRUE(config.is_plain_roberta());
  config.attention.value_convolution = 3;
  EXPECT_FALSE(config.is_plain_roberta());
  config.attention.value_convolution = 0;
  config.norm_type = NormType::kRmsNorm;
  EXPECT_FALSE(config.is_plain_roberta());
}

}  // namespace
}  // namespace linformer
