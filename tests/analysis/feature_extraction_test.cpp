#include "linformer/analysis/feature_extraction.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "core/temporary_folder.h"
#include "torch_test_support.h"

#include "linformer/checkpoint/tensor_files.h"

namespace linformer {
namespace {

ModelConfig tiny() {
  ModelConfig config;
  config.vocab_size = 11;
  config.hidden_size = 8;
  config.num_hidden_layers = 2;
  config.num_attention_heads = 2;
  config.intermediate_size = 16;
  config.max_sequence_length = 6;
  config.type_vocab_size = 2;
  config.attention.projected_length = 3;
  return config;
}

const std::vector<InputRow> kRows{{{0, 5, 2}, {1, 1, 1}, {}},
                                  {{0, 7, 8, 9, 2}, {1, 1, 1, 1, 1}, {0, 0, 1, 1, 1}},
                                  {{1, 0, 4, 2}, {0, 1, 1, 1}, {}}};

std::map<std::string, at::Tensor> features(const Model& model, int64_t batch_size) {
  const TemporaryFolder folder;
  const std::string path = folder.file("features.safetensors");
  const FeatureSummary summary = write_features(model, kRows, batch_size, path);
  EXPECT_EQ(summary.num_rows, 3);
  EXPECT_EQ(summary.length, 5);
  EXPECT_EQ(summary.num_states, 3);
  return load_tensors(path);
}

TEST(WriteFeatures, HoldsEveryStateAndLogitsAndZerosAtPadding) {
  const Model model(tiny(), {}, 1);
  const auto tensors = features(model, 8);
  EXPECT_EQ(tensors.at("hidden_states.0").sizes(), (std::vector<int64_t>{3, 5, 8}));
  EXPECT_EQ(tensors.at("logits").sizes(), (std::vector<int64_t>{3, 5, 11}));
  const at::Tensor mask = tensors.at("attention_mask").to(at::kBool);
  for (const char* name : {"hidden_states.0", "hidden_states.2", "logits"}) {
    EXPECT_FALSE(tensors.at(name).index({~mask}).any().item<bool>()) << name;
    EXPECT_TRUE(tensors.at(name).index({mask}).any().item<bool>()) << name;
  }
  ForwardContext evaluation;
  const at::NoGradGuard no_grad;
  const at::Tensor ids = at::tensor({0, 7, 8, 9, 2}, at::kLong).unsqueeze(0);
  const at::Tensor types = at::tensor({0, 0, 1, 1, 1}, at::kLong).unsqueeze(0);
  const at::Tensor alone = model.encoder().forward({ids, {}, types}, evaluation);
  EXPECT_LT(testing::relative_difference(tensors.at("hidden_states.2")[1], alone[0]), 1e-5);
}

TEST(WriteFeatures, DoNotDependOnTheBatchSize) {
  const Model model(tiny(), {}, 1);
  const auto one = features(model, 1);
  for (const auto& [name, tensor] : features(model, 3)) {
    EXPECT_LT((tensor - one.at(name)).abs().max().item<double>(), 1e-5) << name;
  }
}

TEST(WriteFeatures, OfAClassifierHaveALogitPerLabel) {
  const Model model = Model(tiny(), {HeadType::kClassification, {"no", "maybe", "yes"}}, 1);
  EXPECT_EQ(features(model, 2).at("logits").sizes(), (std::vector<int64_t>{3, 3}));
}

}  // namespace
}  // namespace linformer
