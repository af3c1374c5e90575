#include "linformer/train/optimized_parameters.h"

#include <gtest/gtest.h>

#include "linformer/nn/model.h"

namespace linformer {
namespace {

TEST(OptimizedParameters, RolesFollowTheKinds) {
  ModelConfig config;
  config.vocab_size = 11;
  config.hidden_size = 8;
  config.num_hidden_layers = 1;
  config.num_attention_heads = 2;
  config.intermediate_size = 16;
  config.max_sequence_length = 6;
  config.attention.projected_length = 3;
  const Model model(config, 1);
  const auto parameters = optimized_parameters(model.parameters());
  ASSERT_EQ(parameters.size(), model.parameters().all().size());
  for (const OptimizedParameter& parameter : parameters) {
    const bool flat = parameter.tensor.dim() == 1;  // biases, and weights and shifts of norms
    const bool decays = parameter.role != ParameterRole::kBiasOrNorm;
    EXPECT_EQ(decays, !flat) << parameter.name;
    const bool projection = parameter.name.ends_with(".E") || parameter.name.ends_with(".F");
    EXPECT_EQ(parameter.role == ParameterRole::kProjection, projection) << parameter.name;
  }
}

}  // namespace
}  // namespace linformer
