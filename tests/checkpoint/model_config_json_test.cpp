#include "linformer/checkpoint/model_config_json.h"

#include <filesystem>
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "config/test_files.h"
#include "core/temporary_folder.h"

#include "linformer/config/config_file.h"
#include "linformer/core/error.h"

namespace linformer {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using Json = nlohmann::json;

ModelConfig small_linformer() {
  ModelConfig config;
  config.vocab_size = 16000;
  config.hidden_size = 256;
  config.num_hidden_layers = 4;
  config.num_attention_heads = 4;
  config.intermediate_size = 1024;
  config.norm_position = NormPosition::kPre;
  config.position_init = PositionInit::kSinusoidal;
  config.hidden_dropout_prob = 0.05;
  config.tie_word_embeddings = false;
  config.attention.sharing = SharingMode::kLayerwise;
  config.attention.order = ProjectionOrder::kSequenceFirst;
  config.attention.init = ProjectionInit::kJl;
  config.attention.value_convolution = 5;
  config.attention.projected_length = 64;
  config.attention.train_projection = false;
  return config;
}

std::string refusal(const std::function<void(Json&)>& change) {
  Json json = Json::parse(to_config_json(small_linformer()));
  change(json);
  const std::string text =
      message_of<RunError>([&] { model_config_from_json(json.dump(), "dir/config.json"); });
  EXPECT_THAT(text, StartsWith("dir/config.json: "));
  return text;
}

TEST(ConfigJson, ReadsBackTheSameModel) {
  const ModelConfig config = small_linformer();
  EXPECT_EQ(model_config_from_json(to_config_json(config), "x"), config);
  ModelConfig standard = config;
  standard.attention = AttentionConfig{};
  standard.attention.type = AttentionType::kStandard;
  EXPECT_EQ(model_config_from_json(to_config_json(standard), "x"), standard);
}

TEST(ConfigJson, HasTheKeysOfHuggingFace) {
  const Json json = Json::parse(to_config_json(small_linformer()));
  EXPECT_EQ(json["model_type"], "linformer");
  EXPECT_EQ(json["max_position_embeddings"], 514);
  EXPECT_EQ(json["vocab_size"], 16000);
  EXPECT_EQ(json["hidden_act"], "gelu");
  EXPECT_EQ(json["bos_token_id"], 0);
  EXPECT_EQ(json["pad_token_id"], 1);
  EXPECT_EQ(json["eos_token_id"], 2);
  EXPECT_EQ(json["type_vocab_size"], 0);
  EXPECT_EQ(json["norm_position"], "pre");
  EXPECT_EQ(json["attention"]["sharing"], "layerwise");
  EXPECT_EQ(json["attention"]["projected_length"], 64);
  EXPECT_EQ(json["attention"]["train_projection"], false);
  EXPECT_FALSE(json.contains("max_sequence_length"));
}

TEST(ConfigJson, OnlyPostNormStandardAttentionIsARoberta) {
  ModelConfig config = small_linformer();
  config.attention = AttentionConfig{};
  config.attention.type = AttentionType::kStandard;
  EXPECT_EQ(Json::parse(to_config_json(config))["model_type"], "linformer");
  config.norm_position = NormPosition::kPost;
  EXPECT_EQ(Json::parse(to_config_json(config))["model_type"], "roberta");
  EXPECT_EQ(Json::parse(to_config_json(config))["architectures"], Json{"RobertaForMaskedLM"});
}

TEST(ConfigJson, KeepsThePoolingAndCallsAMeanNoRoberta) {
  ModelConfig config = small_linformer();
  config.attention = AttentionConfig{};
  config.attention.type = AttentionType::kStandard;
  config.norm_position = NormPosition::kPost;
  HeadConfig head{HeadType::kClassification, {"no", "yes"}, ClassifierPooling::kCls};
  const Json first = Json::parse(to_config_json(config, head));
  EXPECT_FALSE(first.contains("classifier_pooling"));
  EXPECT_EQ(first["model_type"], "roberta");
  head.pooling = ClassifierPooling::kMean;
  const std::string text = to_config_json(config, head);
  Json json = Json::parse(text);
  EXPECT_EQ(json["classifier_pooling"], "mean");
  EXPECT_EQ(json["architectures"], Json{"LinformerForSequenceClassification"});
  EXPECT_EQ(head_config_from_json(text, "x"), head);
  EXPECT_EQ(model_config_from_json(text, "x"), config);
  json["classifier_pooling"] = "max";
  EXPECT_THAT(message_of<RunError>([&] { head_config_from_json(json.dump(), "x"); }),
              HasSubstr("x: classifier_pooling \"max\" is not supported"));
}

TEST(ConfigJson, ARobertaHasARowOfSegmentsThatMayBeUnused) {
  ModelConfig config = small_linformer();
  config.attention = AttentionConfig{};
  config.attention.type = AttentionType::kStandard;
  config.norm_position = NormPosition::kPost;
  for (const int64_t rows : {0, 1, 2}) {
    config.type_vocab_size = rows;
    const std::string text = to_config_json(config);
    EXPECT_EQ(Json::parse(text)["type_vocab_size"], std::max<int64_t>(1, rows));
    EXPECT_EQ(model_config_from_json(text, "x").type_vocab_size, rows);
  }
}

TEST(ConfigJson, KeepsListsPerLayerAndHead) {
  ModelConfig config;
  read_yaml(fields_of(config),
            "vocab_size: 100\nnum_hidden_layers: 2\nnum_attention_heads: 4\nattention:\n"
            "  type: [linformer, local_window]\n  sharing: none\n"
            "  projected_length: [[64, 64, 32, 16], 8]\n",
            "text");
  const std::string text = to_config_json(config);
  EXPECT_EQ(Json::parse(text)["attention"]["type"], (Json{"linformer", "local_window"}));
  EXPECT_EQ(Json::parse(text)["attention"]["projected_length"],
            Json::parse("[[64, 64, 32, 16], 8]"));
  EXPECT_EQ(model_config_from_json(text, "x"), config);
}

TEST(ConfigJson, KnowsOtherNamesOfTheTanhForm) {
  Json json = Json::parse(to_config_json(small_linformer()));
  for (const char* name : {"gelu_new", "gelu_pytorch_tanh", "gelu_fast"}) {
    json["hidden_act"] = name;
    EXPECT_EQ(model_config_from_json(json.dump(), "x").hidden_act, Activation::kGeluNew);
  }
}

TEST(ConfigJson, WritesAutoInitializerRangeAsItsNumber) {
  ModelConfig config = small_linformer();
  config.initializer_range.reset();
  EXPECT_EQ(Json::parse(to_config_json(config))["initializer_range"], 0.9 / 16.0);
}

TEST(ConfigJson, ReadsFilesOfTransformers) {
  const std::string folder = std::string(LINFORMER_SHARED_DIR) + "/fixtures/hf-roberta-masked-lm";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << folder << " is not there";
  ModelConfig expected;
  expected.vocab_size = 120;
  expected.hidden_size = 32;
  expected.num_hidden_layers = 2;
  expected.num_attention_heads = 4;
  expected.intermediate_size = 64;
  expected.hidden_dropout_prob = expected.attention_probs_dropout_prob = 0.0;
  expected.max_sequence_length = 16;
  expected.type_vocab_size = 1;
  expected.attention.type = AttentionType::kStandard;
  EXPECT_EQ(load_model_config(folder), expected);
}

TEST(ConfigJson, RefusesWhatItCannotRun) {
  const std::vector<std::pair<std::string, std::function<void(Json&)>>> cases{
      {"has no hidden_size", [](Json& j) { j.erase("hidden_size"); }},
      {"hidden_size takes a whole number, found '1.5'", [](Json& j) { j["hidden_size"] = 1.5; }},
      {"hidden_size takes a whole number, found \"256\"",
       [](Json& j) { j["hidden_size"] = "256"; }},
      {"5 heads do not divide", [](Json& j) { j["num_attention_heads"] = 5; }},
      {"hidden_act takes one of gelu, gelu_new, swiglu or geglu, found \"relu\"",
       [](Json& j) { j["hidden_act"] = "relu"; }},
      {"type_vocab_size: -1", [](Json& j) { j["type_vocab_size"] = -1; }},
      {"pad_token_id 0 is not supported", [](Json& j) { j["pad_token_id"] = 0; }},
      {"is_decoder true is not supported", [](Json& j) { j["is_decoder"] = true; }},
      {"position_embedding_type \"relative_key\"",
       [](Json& j) { j["position_embedding_type"] = "relative_key"; }},
      {"model_type \"bert\"", [](Json& j) { j["model_type"] = "bert"; }},
      {"model_type is missing", [](Json& j) { j.erase("model_type"); }},
      {"model_type roberta contradicts", [](Json& j) { j["model_type"] = "roberta"; }},
      {"max_position_embeddings 2", [](Json& j) { j["max_position_embeddings"] = 2; }},
      {"max_position_embeddings \"514\"", [](Json& j) { j["max_position_embeddings"] = "514"; }},
      {"vocab_size is 0", [](Json& j) { j["vocab_size"] = 0; }},
      {"unknown key attention.projected_lenght",
       [](Json& j) { j["attention"]["projected_lenght"] = 4; }},
      {"k = 600 exceeds", [](Json& j) { j["attention"]["projected_length"] = 600; }},
      {"attention is a section of keys", [](Json& j) { j["attention"] = 3; }},
      {"is not a JSON object", [](Json& j) { j = Json::array(); }},
  };
  for (const auto& [expected, change] : cases) EXPECT_THAT(refusal(change), HasSubstr(expected));
}

TEST(ConfigJson, NamesTheFileThatIsBrokenOrMissing) {
  const TemporaryFolder folder;
  const std::string path = folder.file("config.json");
  EXPECT_THAT(message_of<RunError>([&] { load_model_config(folder.path()); }), HasSubstr(path));
  const std::string whole = to_config_json(small_linformer());
  write_bytes(path, whole.substr(0, whole.size() / 2));
  EXPECT_THAT(message_of<RunError>([&] { load_model_config(folder.path()); }),
              HasSubstr(path + ": is not valid JSON"));
  EXPECT_THAT(message_of<RunError>([&] { model_config_from_json("{\"a\":1,\"a\":2}", "x"); }),
              HasSubstr("x: holds a twice"));
}

}  // namespace
}  // namespace linformer
