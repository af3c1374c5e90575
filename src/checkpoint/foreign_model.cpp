#include "linformer/checkpoint/foreign_model.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>

#include <nlohmann/json.hpp>

#include "strict_json.h"

#include "linformer/checkpoint/model_config_json.h"
#include "linformer/checkpoint/model_path.h"
#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"
#include "linformer/core/json_text.h"

namespace linformer {
namespace {

using Json = nlohmann::json;

constexpr const char* kWords = "roberta.embeddings.word_embeddings.weight";
constexpr const char* kDecoder = "lm_head.decoder.weight";

struct NamePair {
  std::string_view theirs;
  std::string_view ours;
};

// fairseq's names. Names of a layer come after encoder.sentence_encoder.layers.I, and our names
// after roberta.encoder.layer.I.
constexpr std::string_view kFairseqLayers = "encoder.sentence_encoder.layers.";
constexpr std::array<NamePair, 12> kFairseqTop{
    {{"encoder.lm_head.bias", "lm_head.bias"},
     {"encoder.lm_head.dense.bias", "lm_head.dense.bias"},
     {"encoder.lm_head.dense.weight", "lm_head.dense.weight"},
     {"encoder.lm_head.layer_norm.bias", "lm_head.layer_norm.bias"},
     {"encoder.lm_head.layer_norm.weight", "lm_head.layer_norm.weight"},
     {"encoder.lm_head.weight", kDecoder},
     {"encoder.sentence_encoder.compress_layer.weight", "roberta.encoder.E"},
     {"encoder.sentence_encoder.embed_positions.weight",
      "roberta.embeddings.position_embeddings.weight"},
     {"encoder.sentence_encoder.embed_tokens.weight", kWords},
     {"encoder.sentence_encoder.layernorm_embedding.bias", "roberta.embeddings.LayerNorm.bias"},
     {"encoder.sentence_encoder.layernorm_embedding.weight", "roberta.embeddings.LayerNorm.weight"},
     {"encoder.sentence_encoder.layer_norm.weight", "roberta.encoder.LayerNorm.weight"}}};
constexpr std::array<NamePair, 10> kFairseqModules{
    {{"self_attn.q_proj", "attention.self.query"},
     {"self_attn.k_proj", "attention.self.key"},
     {"self_attn.v_proj", "attention.self.value"},
     {"self_attn.out_proj", "attention.output.dense"},
     {"self_attn_layer_norm", "attention.output.LayerNorm"},
     {"fc1", "intermediate.dense"},
     {"fc2", "output.dense"},
     {"final_layer_norm", "output.LayerNorm"},
     {"self_attn.compress_k", "attention.self.E"},
     {"self_attn.compress_v", "attention.self.F"}}};

bool same_bytes(const TensorView& a, const TensorView& b) {
  return a.type == b.type && a.shape == b.shape &&
         std::equal(a.bytes.begin(), a.bytes.end(), b.bytes.begin(), b.bytes.end());
}

bool is_projection(std::string_view name) {
  return name.ends_with(".E") || name.ends_with(".F");
}

/// Our name of a fairseq tensor; nothing if there is none.
std::optional<std::string> from_fairseq(std::string_view name) {
  if (!name.starts_with(kFairseqLayers)) {
    for (const NamePair& pair : kFairseqTop) {
      if (pair.theirs == name) return std::string(pair.ours);
    }
    if (name == "encoder.sentence_encoder.layer_norm.bias") return "roberta.encoder.LayerNorm.bias";
    return std::nullopt;
  }
  const std::string_view rest = name.substr(kFairseqLayers.size());
  const size_t number_end = rest.find('.');
  const size_t leaf = rest.rfind('.');
  if (number_end == std::string_view::npos || leaf <= number_end) return std::nullopt;
  const std::string_view module = rest.substr(number_end + 1, leaf - number_end - 1);
  for (const NamePair& pair : kFairseqModules) {
    if (pair.theirs != module) continue;
    std::string ours = "roberta.encoder.layer." + std::string(rest.substr(0, number_end)) + "." +
                       std::string(pair.ours);
    if (!is_projection(ours)) return ours + std::string(rest.substr(leaf));
    if (rest.substr(leaf) == ".weight") return ours;
  }
  return std::nullopt;
}

/// Leaves out a tensor that has to be a copy of another one. If it differs, the config is wrong.
void drop_copy(ForeignModel& model, const std::string& copy, const std::string& original,
               const std::string& because) {
  const auto found = model.tensors.find(copy);
  const auto kept = model.tensors.find(original);
  if (found == model.tensors.end() || kept == model.tensors.end()) return;
  const std::string theirs = model.their_names.at(copy);
  if (!same_bytes(found->second, kept->second)) {
    fail_run(model.files.source(),
             theirs + " differs from " + model.their_names.at(original) + ", though " + because,
             "correct config.json, or the file");
  }
  model.notes.push_back("left out " + theirs + ": the same as " + model.their_names.at(original));
  model.tensors.erase(found);
  model.their_names.erase(copy);
}

void drop(ForeignModel& model, const std::string& theirs, const std::string& why) {
  model.notes.push_back("left out " + theirs + ": " + why);
}

void keep(ForeignModel& model, const std::string& ours, const std::string& theirs,
          const TensorView& view) {
  if (!model.tensors.emplace(ours, view).second) {
    fail_run(model.files.source(),
             theirs + " and " + model.their_names.at(ours) + " both mean " + ours,
             "remove one of them");
  }
  model.their_names[ours] = theirs;
}

/// The name of a tensor in today's RobertaForMaskedLM. A RobertaModel saved by itself has no
/// `roberta.`, and old files from TensorFlow call a norm's weight gamma and its bias beta.
std::string from_hugging_face(std::string name) {
  for (const std::string_view front : {"embeddings.", "encoder.", "pooler."}) {
    if (name.starts_with(front)) name.insert(0, "roberta.");
  }
  if (name.ends_with(".gamma")) name.replace(name.size() - 5, 5, "weight");
  if (name.ends_with(".beta")) name.replace(name.size() - 4, 4, "bias");
  return name;
}

/// A file has one of several names of a shared tensor, and not always the first one.
void use_copy(ForeignModel& model, const std::string& copy, const std::string& original) {
  const auto found = model.tensors.find(copy);
  if (found == model.tensors.end() || model.tensors.count(original)) return;
  model.tensors[original] = found->second;
  model.their_names[original] = model.their_names.at(copy);
  model.tensors.erase(found);
  model.their_names.erase(copy);
}

/// A RobertaModel has no head, so it gets one for masked LM.
void find_absent_head(ForeignModel& model, const std::string& architecture) {
  if (model.head.type != HeadType::kMaskedLm || architecture.ends_with("ForMaskedLM")) return;
  const bool has_head = std::any_of(model.tensors.begin(), model.tensors.end(), [](const auto& t) {
    return t.first.starts_with("lm_head.") || t.first.starts_with("classifier.");
  });
  if (has_head) return;
  model.absent = "lm_head.";
  model.notes.emplace_back(
      "the file has no masked-LM head: lm_head starts with random weights; pre-train it before "
      "fill-mask (features and fine-tuning do not need it)");
}

void read_hugging_face(ForeignModel& model, const std::string& folder) {
  const std::string path = folder + "/config.json";
  const std::string text = read_text_file(path);
  model.config = model_config_from_json(text, path);
  model.head = head_config_from_json(text, path);
  const Json json = parse_strict_json(text, path);
  model.mask_id = mask_id_from_json(json, path);
  for (const auto& [theirs, view] : model.files.tensors()) {
    const std::string name = from_hugging_face(theirs);
    if (name == "roberta.embeddings.position_ids" || name == "roberta.embeddings.token_type_ids") {
      drop(model, theirs, "an index that is the same in every model");
    } else if (name.starts_with("roberta.pooler.")) {
      drop(model, theirs, "the heads here do not use it");
    } else {
      keep(model, name, theirs, view);
    }
  }
  use_copy(model, "lm_head.decoder.bias", "lm_head.bias");
  drop_copy(model, "lm_head.decoder.bias", "lm_head.bias", "the head has one bias");
  if (model.config.tie_word_embeddings) {
    use_copy(model, kDecoder, kWords);
    drop_copy(model, kDecoder, kWords, "config.json says tie_word_embeddings");
  }
  find_absent_head(model, architecture_of(json));
}

/// A number of fairseq's description. Fails if it is missing or of another type.
int64_t size_of_key(const Json& json, const char* key, const std::string& source) {
  const auto found = json.find(key);
  const auto number = found == json.end() ? std::nullopt : whole_number_of(*found);
  if (!number) {
    fail_run(source, std::string("has no whole number ") + key,
             "describe the model as docs/model.md says (import from fairseq)");
  }
  return *number;
}

ModelConfig fairseq_config(const std::string& path) {
  const Json json = parse_strict_json(read_text_file(path), path);
  if (!json.is_object()) fail_run(path, "is not a JSON object", "describe the model's sizes");
  ModelConfig config;
  config.vocab_size = size_of_key(json, "vocab_size", path);
  config.hidden_size = size_of_key(json, "hidden_size", path);
  config.num_hidden_layers = size_of_key(json, "num_hidden_layers", path);
  config.num_attention_heads = size_of_key(json, "num_attention_heads", path);
  config.intermediate_size = size_of_key(json, "intermediate_size", path);
  config.max_sequence_length = size_of_key(json, "max_positions", path);
  const auto epsilon = json.find("layer_norm_eps");
  if (epsilon != json.end() && epsilon->is_number()) config.layer_norm_eps = epsilon->get<double>();
  if (json.value("norm_position", Json("post")) == "pre") config.norm_position = NormPosition::kPre;
  config.attention.type = AttentionType::kStandard;
  const auto compressed = json.find("compressed_length");
  if (compressed == json.end() || compressed->is_null()) return config;
  config.attention.type = AttentionType::kLinformer;
  config.attention.projected_length = size_of_key(json, "compressed_length", path);
  config.attention.order = ProjectionOrder::kSequenceFirst;
  const Json sharing = json.value("sharing", Json("headwise"));
  if (sharing == "key_value") {
    config.attention.sharing = SharingMode::kKeyValue;
  } else if (sharing == "layerwise") {
    config.attention.sharing = SharingMode::kLayerwise;
  } else if (!sharing.is_string() ||
             sharing.get<std::string>().find("headwise") == std::string::npos) {
    fail_run(path, "sharing " + sharing.dump() + " is unknown",
             "give headwise, key_value or layerwise");
  }
  return config;
}

void read_fairseq(ForeignModel& model, const std::string& folder) {
  const std::string path = folder + "/config.json";
  model.config = fairseq_config(path);
  model.mask_id = mask_id_from_json(parse_strict_json(read_text_file(path), path), path);
  try {
    model.config.validate();
  } catch (const UsageError& error) {
    fail_in_file(path, error);
  }
  for (const auto& [name, view] : model.files.tensors()) {
    const bool compression = name.find("compress_") != std::string::npos;
    if (compression && name.ends_with(".bias")) {
      drop(model, name, "the official code never uses it");
    } else if (name == "encoder.sentence_encoder.version") {
      drop(model, name, "a version number");
    } else {
      keep(model, from_fairseq(name).value_or(name), name, view);
    }
  }
  const auto decoder = model.tensors.find(kDecoder);
  const auto words = model.tensors.find(kWords);
  if (decoder != model.tensors.end() && words != model.tensors.end()) {
    model.config.tie_word_embeddings = same_bytes(decoder->second, words->second);
  }
  if (model.config.tie_word_embeddings) drop_copy(model, kDecoder, kWords, "it is tied");
  for (int64_t i = 0; i < model.config.num_hidden_layers; ++i) {
    const std::string prefix = "roberta.encoder.layer." + std::to_string(i) + ".attention.self.";
    if (model.config.attention.sharing == SharingMode::kKeyValue) {
      drop_copy(model, prefix + "F", prefix + "E", "sharing is key_value");
    } else if (model.config.attention.sharing == SharingMode::kLayerwise) {
      drop_copy(model, prefix + "E", "roberta.encoder.E", "sharing is layerwise");
      drop_copy(model, prefix + "F", "roberta.encoder.E", "sharing is layerwise");
    }
  }
  // RoBERTa's files have a table of segments; fairseq's files have none.
  if (model.config.is_plain_roberta()) model.absent = "roberta.embeddings.token_type_embeddings.";
}

}  // namespace

ForeignModel read_foreign_model(ForeignFormat format, const std::string& folder) {
  if (!std::filesystem::exists(folder + "/config.json")) fail_no_model(folder);
  ForeignModel model{StoredTensors::open_folder(folder), {}, {}, {}, {}, {}, {}, {}};
  model.files.verify();
  if (format == ForeignFormat::kHuggingFace) {
    read_hugging_face(model, folder);
  } else {
    read_fairseq(model, folder);
  }
  return model;
}

}  // namespace linformer
