#include "nn/reference_model.h"

#include <filesystem>
#include <fstream>
#include <regex>

#include <ATen/ATen.h>
#include <nlohmann/json.hpp>

#include "linformer/checkpoint/model_folder.h"

namespace linformer::testing {
namespace {

using Json = nlohmann::json;

const std::string kFixtures = LINFORMER_SHARED_DIR "/fixtures/";

ModelConfig config_of(const Json& json) {
  ModelConfig config;
  config.vocab_size = json["vocab_size"];
  config.hidden_size = json["hidden_size"];
  config.num_hidden_layers = json["num_hidden_layers"];
  config.num_attention_heads = json["num_attention_heads"];
  config.intermediate_size = json["intermediate_size"];
  config.layer_norm_eps = json["layer_norm_eps"];
  config.attention.type = AttentionType::kStandard;
  if (json["model_type"] == "roberta") {
    config.max_sequence_length = json["max_position_embeddings"].get<int64_t>() - 2;
    return config;
  }
  config.max_sequence_length = json["max_positions"];
  if (!json["compressed_length"].is_number()) return config;
  config.attention.type = AttentionType::kLinformer;
  config.attention.projected_length = json["compressed_length"];
  config.attention.order = ProjectionOrder::kSequenceFirst;
  const std::string sharing = json["sharing"];
  config.attention.sharing = sharing == "key_value"   ? SharingMode::kKeyValue
                             : sharing == "layerwise" ? SharingMode::kLayerwise
                                                      : SharingMode::kHeadwise;
  return config;
}

/// fairseq's name of one of our parameters.
std::string fairseq_name(std::string name) {
  const std::pair<const char*, const char*> replacements[] = {
      {"^lm_head", "encoder.lm_head"},
      {"^roberta\\.encoder\\.E$", "encoder.sentence_encoder.compress_layer.weight"},
      {"^roberta\\.embeddings\\.word_embeddings", "encoder.sentence_encoder.embed_tokens"},
      {"^roberta\\.embeddings\\.position_embeddings", "encoder.sentence_encoder.embed_positions"},
      {"^roberta\\.embeddings\\.LayerNorm", "encoder.sentence_encoder.layernorm_embedding"},
      {"^roberta\\.encoder\\.layer", "encoder.sentence_encoder.layers"},
      {"attention\\.self\\.query", "self_attn.q_proj"},
      {"attention\\.self\\.key", "self_attn.k_proj"},
      {"attention\\.self\\.value", "self_attn.v_proj"},
      {"attention\\.self\\.E$", "self_attn.compress_k.weight"},
      {"attention\\.self\\.F$", "self_attn.compress_v.weight"},
      {"attention\\.output\\.dense", "self_attn.out_proj"},
      {"attention\\.output\\.LayerNorm", "self_attn_layer_norm"},
      {"intermediate\\.dense", "fc1"},
      {"output\\.dense", "fc2"},
      {"output\\.LayerNorm", "final_layer_norm"}};
  for (const auto& [pattern, replacement] : replacements) {
    name = std::regex_replace(name, std::regex(pattern), replacement);
  }
  return name;
}

}  // namespace

bool has_reference_models() {
  return std::filesystem::exists(kFixtures);
}

ReferenceModel load_reference_model(const std::string& name) {
  const std::string folder = kFixtures + name;
  std::ifstream stream(folder + "/config.json");
  const Json json = Json::parse(stream);
  ReferenceModel reference;
  reference.model = std::make_unique<MaskedLmModel>(config_of(json), /*seed=*/1);
  reference.inputs = load_tensors(folder + "/inputs.safetensors");
  reference.outputs = load_tensors(folder + "/outputs.safetensors");
  auto weights = load_tensors(folder + "/model.safetensors");
  // Every token is of type 0 there, so the type's row is a part of every position's.
  const auto types = weights.find("roberta.embeddings.token_type_embeddings.weight");
  if (types != weights.end()) {
    weights.at("roberta.embeddings.position_embeddings.weight").add_(types->second);
  }
  const at::NoGradGuard no_grad;
  for (const Parameter& parameter : reference.model->parameters().all()) {
    const bool hf = json["model_type"] == "roberta";
    const std::string theirs = hf ? parameter.name : fairseq_name(parameter.name);
    at::Tensor target = parameter.tensor.detach();
    TORCH_CHECK(weights.at(theirs).sizes() == target.sizes(), theirs);
    target.copy_(weights.at(theirs));
    reference.their_names[parameter.name] = theirs;
  }
  return reference;
}

const at::Tensor& ReferenceModel::gradient(const std::string& parameter) const {
  const auto found = outputs.find("grad." + their_names.at(parameter));
  if (found != outputs.end()) return found->second;
  // A matrix that several layers use is listed once, under one of its names.
  return outputs.at("grad.encoder.sentence_encoder.layers.0.self_attn.compress_k.weight");
}

}  // namespace linformer::testing
