#include "linformer/models/model_folder.h"

#include <filesystem>
#include <span>

#include <ATen/ATen.h>

#include "linformer/checkpoint/find_model.h"
#include "linformer/checkpoint/model_config_json.h"
#include "linformer/core/error.h"

namespace linformer {
namespace {

/// A model folder as it is; of a run folder, the checkpoint that is meant.
std::string model_folder_of(const std::string& path) {
  return std::filesystem::exists(path + "/config.json") ? path : find_model_folder(path);
}

}  // namespace

NamedTensors saved_tensors(const Model& model) {
  NamedTensors tensors;
  for (const auto& [name, tensor] : named_parameters(model.parameters())) {
    tensors.emplace_back(name, tensor.detach());
  }
  const ModelConfig& config = model.config();
  if (config.is_plain_roberta() && config.type_vocab_size == 0) {
    tensors.emplace_back(kTokenTypeEmbeddings, at::zeros({1, config.hidden_size}));
  }
  return tensors;
}

void load_weights(const std::string& folder, Model& model) {
  const StoredTensors file = StoredTensors::open_folder(folder);
  const NamedTensors targets = saved_tensors(model);
  load_into(file, targets);
  check_finite(file.source(), targets);
  const bool unused_types =
      targets.back().first == kTokenTypeEmbeddings && model.config().type_vocab_size == 0;
  if (unused_types && targets.back().second.any().item<bool>()) {
    fail_run(file.source(),
             std::string(kTokenTypeEmbeddings) +
                 " is not zero, but config.json says segment_embeddings: "
                 "false",
             "remove that key from config.json");
  }
}

void save_model(const std::string& folder, const Model& model,
                const std::string& tokenizer_model_bytes) {
  save_model_files(folder, to_config_json(model.config(), model.head_config()),
                   saved_tensors(model), tokenizer_model_bytes);
}

void load_averaged_weights(const std::string& folder, const ParameterSet& parameters) {
  if (!has_averaged_weights(folder)) {
    fail_run(folder, "holds no averaged weights",
             "take a checkpoint of a run with training.ema_decay");
  }
  const std::string path = weight_average_path(folder);
  if (!std::filesystem::exists(path)) return;  // model.safetensors holds them
  const NamedTensors targets = named_parameters(parameters);
  load_into(path, targets);
  check_finite(path, targets);
}

std::unique_ptr<Model> load_model(const std::string& path, at::Device device) {
  const std::string folder = model_folder_of(path);
  auto model = std::make_unique<Model>(load_model_config(folder), load_head_config(folder),
                                       /*seed=*/0, at::kFloat, device);
  load_weights(folder, *model);
  return model;
}

std::unique_ptr<Model> load_masked_lm(const std::string& path, at::Device device) {
  const std::string folder = model_folder_of(path);
  const HeadConfig head = load_head_config(folder);
  if (head.type != HeadType::kMaskedLm) {
    fail_run(folder, "is a model for " + std::string(name_of(head.type)) + ", not a masked LM",
             "take the model it was fine-tuned from");
  }
  return load_model(folder, device);
}

std::unique_ptr<Model> load_classifier(const std::string& path, at::Device device) {
  const std::string folder = model_folder_of(path);
  if (load_head_config(folder).type == HeadType::kMaskedLm) {
    fail_run(folder, "has a masked-LM head, none for classification or regression",
             "fine-tune it first");
  }
  return load_model(folder, device);
}

std::optional<UnigramModel> load_unigram_model(const std::string& folder) {
  if (!has_unigram_counts(folder)) return std::nullopt;
  return UnigramModel(load_unigram_counts(folder, load_model_config(folder).vocab_size));
}

}  // namespace linformer
