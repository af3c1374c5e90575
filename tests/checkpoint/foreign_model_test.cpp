#include "linformer/checkpoint/foreign_model.h"

#include <filesystem>

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

using ::testing::Contains;
using ::testing::HasSubstr;

constexpr const char* kWords = "roberta.embeddings.word_embeddings.weight";

/// A folder of transformers with the tensors given, beside a table of words.
class HuggingFaceFolder {
 public:
  explicit HuggingFaceFolder(NamedTensors tensors) {
    ModelConfig config;
    config.vocab_size = 11;
    config.hidden_size = 8;
    config.num_attention_heads = 2;
    config.attention.type = AttentionType::kStandard;
    write_file_atomically(folder_.file("config.json"), to_config_json(config));
    tensors.emplace_back(kWords, at::ones({11, 8}));
    save_tensors(folder_.file("model.safetensors"), tensors);
  }

  ForeignModel read() const {
    return read_foreign_model(ForeignFormat::kHuggingFace, folder_.path());
  }

 private:
  TemporaryFolder folder_;
};

TEST(HuggingFaceModel, LeavesOutCopiesAndIndices) {
  const HuggingFaceFolder folder({{"lm_head.bias", at::zeros({11})},
                                  {"lm_head.decoder.bias", at::zeros({11})},
                                  {"lm_head.decoder.weight", at::ones({11, 8})},
                                  {"roberta.pooler.dense.weight", at::zeros({8, 8})},
                                  {"roberta.embeddings.position_ids", at::arange(5)}});
  const ForeignModel model = folder.read();
  EXPECT_EQ(model.tensors.size(), 2u);
  EXPECT_EQ(model.tensors.count("lm_head.bias"), 1u);
  EXPECT_EQ(model.notes.size(), 4u);
  EXPECT_THAT(model.notes, Contains(HasSubstr("roberta.pooler.dense.weight")));
}

TEST(HuggingFaceModel, RefusesACopyThatIsNone) {
  const HuggingFaceFolder folder({{"lm_head.decoder.weight", at::zeros({11, 8})}});
  EXPECT_THAT(message_of<RunError>([&] { folder.read(); }),
              HasSubstr("lm_head.decoder.weight differs from " + std::string(kWords)));
}

TEST(HuggingFaceModel, KeepsUnknownNamesForTheOneWhoBuildsTheModel) {
  const HuggingFaceFolder folder({{"surplus", at::zeros({1})}});
  EXPECT_EQ(folder.read().tensors.count("surplus"), 1u);
}

TEST(FairseqModel, HasOurNamesAndOrder) {
  const std::string folder = LINFORMER_SHARED_DIR "/fixtures/fairseq-linformer-layerwise";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << folder << " is not there";
  const ForeignModel model = read_foreign_model(ForeignFormat::kFairseq, folder);
  EXPECT_EQ(model.config.attention.sharing, SharingMode::kLayerwise);
  EXPECT_EQ(model.config.attention.order, ProjectionOrder::kSequenceFirst);
  EXPECT_EQ(model.config.max_sequence_length, 16);
  EXPECT_TRUE(model.config.tie_word_embeddings);
  EXPECT_EQ(model.tensors.at("roberta.encoder.E").shape, (std::vector<int64_t>{8, 16}));
  EXPECT_EQ(model.tensors.count("roberta.encoder.layer.0.attention.self.E"), 0u);
  EXPECT_EQ(model.their_names.at("roberta.encoder.layer.1.output.dense.weight"),
            "encoder.sentence_encoder.layers.1.fc2.weight");
  EXPECT_THAT(model.notes, Contains(HasSubstr("compress_layer.bias: the official code never")));
}

TEST(FairseqModel, RefusesADescriptionThatLacksASize) {
  const TemporaryFolder folder;
  save_tensors(folder.file("model.safetensors"), {{"a", at::zeros({1})}});
  const auto refusal = [&](const std::string& text) {
    write_file_atomically(folder.file("config.json"), text);
    return message_of<RunError>(
        [&] { read_foreign_model(ForeignFormat::kFairseq, folder.path()); });
  };
  const std::string sizes =
      R"("vocab_size": 11, "hidden_size": 8, "num_hidden_layers": 1, "intermediate_size": 16,
         "max_positions": 8, )";
  EXPECT_THAT(refusal("{}"), HasSubstr("has no whole number vocab_size"));
  EXPECT_THAT(refusal("{" + sizes + R"("num_attention_heads": "2"})"),
              HasSubstr("has no whole number num_attention_heads"));
  EXPECT_THAT(refusal("{" + sizes + R"("num_attention_heads": 3})"), HasSubstr("do not divide"));
  EXPECT_THAT(refusal("{" + sizes +
                      R"("num_attention_heads": 2, "compressed_length": 4, "sharing": "rows"})"),
              HasSubstr("sharing \"rows\" is unknown"));
}

}  // namespace
}  // namespace linformer
