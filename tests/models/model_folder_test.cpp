#include "linformer/models/model_folder.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/temporary_folder.h"

#include "linformer/checkpoint/model_config_json.h"
#include "linformer/checkpoint/tensor_files.h"
#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"

namespace linformer {
namespace {

using ::testing::HasSubstr;

ModelConfig tiny(SharingMode sharing) {
  ModelConfig config;
  config.vocab_size = 11;
  config.hidden_size = 8;
  config.num_hidden_layers = 2;
  config.num_attention_heads = 2;
  config.intermediate_size = 16;
  config.max_sequence_length = 6;
  config.attention.projected_length = 3;
  config.attention.sharing = sharing;
  return config;
}

TEST(ModelFolder, KeepsEveryBit) {
  for (const auto sharing : {SharingMode::kNone, SharingMode::kHeadwise, SharingMode::kKeyValue,
                             SharingMode::kLayerwise}) {
    const TemporaryFolder folder;
    const Model model(tiny(sharing), 3);
    save_model(folder.path(), model, "tokenizer");
    const auto loaded = load_model(folder.path());
    EXPECT_EQ(loaded->config(), model.config());
    ASSERT_EQ(loaded->parameters().all().size(), model.parameters().all().size());
    for (const Parameter& parameter : model.parameters().all()) {
      EXPECT_TRUE(at::equal(loaded->parameters().get(parameter.name), parameter.tensor))
          << parameter.name;
    }
    EXPECT_EQ(read_text_file(folder.file("tokenizer.model")), "tokenizer");
  }
}

/// The message on loading after `change` to the tensors of a saved model.
template <class Change>
std::string refusal(Change&& change) {
  const TemporaryFolder folder;
  save_model(folder.path(), Model(tiny(SharingMode::kHeadwise), 3), "");
  auto tensors = load_tensors(folder.file("model.safetensors"));
  change(tensors);
  save_tensors(folder.file("model.safetensors"), NamedTensors(tensors.begin(), tensors.end()));
  return message_of<RunError>([&] { load_model(folder.path()); });
}

TEST(ModelFolder, RefusesTensorsByName) {
  const std::string name = "roberta.encoder.layer.1.attention.self.E";
  const auto missing = refusal([&](auto& tensors) { tensors.erase(name); });
  EXPECT_THAT(missing, HasSubstr(name));
  EXPECT_THAT(missing, HasSubstr("model.safetensors"));
  const auto misshapen = refusal([&](auto& tensors) { tensors.at(name) = at::zeros({3, 5}); });
  EXPECT_THAT(misshapen, HasSubstr(name));
  EXPECT_THAT(misshapen, HasSubstr("(3, 5)"));
  EXPECT_THAT(refusal([](auto& tensors) { tensors["surplus.weight"] = at::zeros({1}); }),
              HasSubstr("surplus.weight"));
}

TEST(ModelFolder, StandardModelsHaveRobertasTokenTypes) {
  const TemporaryFolder folder;
  ModelConfig config = tiny(SharingMode::kHeadwise);
  config.attention.type = AttentionType::kStandard;
  save_model(folder.path(), Model(config, 3), "");
  const std::string name = "roberta.embeddings.token_type_embeddings.weight";
  auto tensors = load_tensors(folder.file("model.safetensors"));
  EXPECT_TRUE(at::equal(tensors.at(name), at::zeros({1, 8})));
  EXPECT_NO_THROW(load_model(folder.path()));
  tensors.at(name).fill_(0.5);
  save_tensors(folder.file("model.safetensors"), NamedTensors(tensors.begin(), tensors.end()));
  EXPECT_THAT(message_of<RunError>([&] { load_model(folder.path()); }), HasSubstr(name));
}

TEST(ModelFolder, UnigramCountsComeBack) {
  const TemporaryFolder folder;
  EXPECT_FALSE(load_unigram_model(folder.path()));
  make_directories(folder.file("training"));
  write_file_atomically(folder.file("config.json"), to_config_json(tiny(SharingMode::kNone), {}));
  save_unigram_counts(folder.path(), {1, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0});
  // (5 + 1) / (6 + 11)
  EXPECT_NEAR(load_unigram_model(folder.path())->nll(2), -std::log(6.0 / 17.0), 1e-12);
  // of a model with another vocabulary
  save_unigram_counts(folder.path(), {1, 0, 5});
  EXPECT_THAT(message_of<RunError>([&] { load_unigram_model(folder.path()); }),
              HasSubstr("(3) in the file, (11) in the model"));
}

}  // namespace
}  // namespace linformer
