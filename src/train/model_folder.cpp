#include "linformer/train/model_folder.h"

#include <filesystem>

#include <ATen/ATen.h>

#include "linformer/checkpoint/model_config_json.h"
#include "linformer/checkpoint/model_folder.h"
#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"
#include "linformer/train/training_state.h"

namespace linformer {
namespace {

/// Handles on every tensor of the file; the token types, if the file has them, are zeros.
NamedTensors tensors_of(const ModelConfig& config, const ParameterSet& parameters) {
  NamedTensors tensors;
  for (const auto& [name, tensor] : named_parameters(parameters)) {
    tensors.emplace_back(name, tensor.detach());
  }
  if (config.is_plain_roberta() && config.type_vocab_size == 0) {
    tensors.emplace_back(kTokenTypeEmbeddings, at::zeros({1, config.hidden_size}));
  }
  return tensors;
}

void load_parameters(const std::string& folder, const ModelConfig& config,
                     const ParameterSet& parameters) {
  const ModelTensors file = ModelTensors::open_folder(folder);
  const NamedTensors targets = tensors_of(config, parameters);
  load_into(file, targets);
  check_finite(file.source(), targets);
  const bool unused_types =
      targets.back().first == kTokenTypeEmbeddings && config.type_vocab_size == 0;
  if (unused_types && targets.back().second.any().item<bool>()) {
    fail_run(file.source(),
             std::string(kTokenTypeEmbeddings) +
                 " is not zero, but config.json says segment_embeddings: "
                 "false",
             "remove that key from config.json");
  }
}

// More tokens than anyone trains on; up to here sums of counts are exact.
constexpr double kMostTokens = 0x1p53;

std::string unigram_path(const std::string& folder) {
  return folder + "/training/unigram.safetensors";
}

}  // namespace

void save_model(const std::string& folder, const MaskedLmModel& model,
                const std::string& tokenizer_model_bytes) {
  save_model(folder, to_config_json(model.config()), model_tensors(model), tokenizer_model_bytes);
}

void save_model(const std::string& folder, const std::string& config_json,
                const NamedTensors& tensors, const std::string& tokenizer_model_bytes) {
  write_file_atomically(folder + "/config.json", config_json);
  save_tensors(folder + "/model.safetensors", tensors);
  write_file_atomically(folder + "/tokenizer.model", tokenizer_model_bytes);
}

std::optional<std::string> find_not_finite(const NamedTensors& tensors) {
  for (const auto& [name, tensor] : tensors) {
    if (!at::isfinite(tensor).all().item<bool>()) return name;
  }
  return std::nullopt;
}

void check_finite(const std::string& source, const NamedTensors& tensors) {
  if (const std::optional<std::string> name = find_not_finite(tensors)) {
    fail_run(source, *name + " holds values that are not finite",
             "training diverged, or the file is damaged; take an earlier checkpoint");
  }
}

NamedTensors named_parameters(const ParameterSet& parameters) {
  NamedTensors tensors;
  for (const Parameter& parameter : parameters.all()) {
    tensors.emplace_back(parameter.name, parameter.tensor);
  }
  return tensors;
}

bool has_averaged_weights(const std::string& folder) {
  return std::filesystem::exists(weight_average_path(folder)) ||
         std::filesystem::exists(raw_weights_path(folder));
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

void load_weights(const std::string& folder, MaskedLmModel& model) {
  load_parameters(folder, model.config(), model.parameters());
}

void load_weights(const std::string& folder, SequenceClassifier& model) {
  load_parameters(folder, model.config(), model.parameters());
}

std::unique_ptr<MaskedLmModel> load_model(const std::string& folder) {
  const HeadConfig head = load_head_config(folder);
  if (head.type != HeadType::kMaskedLm) {
    fail_run(folder, "is a model for " + std::string(name_of(head.type)) + ", not a masked LM",
             "take the model it was fine-tuned from");
  }
  auto model = std::make_unique<MaskedLmModel>(load_model_config(folder), /*seed=*/0);
  load_weights(folder, *model);
  return model;
}

std::unique_ptr<SequenceClassifier> load_classifier(const std::string& folder) {
  const HeadConfig head = load_head_config(folder);
  if (head.type == HeadType::kMaskedLm) {
    fail_run(folder, "has a masked-LM head, none for classification or regression",
             "fine-tune it first");
  }
  auto model = std::make_unique<SequenceClassifier>(load_model_config(folder), head, /*seed=*/0);
  load_weights(folder, *model);
  return model;
}

AnyModel build_any_model(const ModelConfig& config, const HeadConfig& head, uint64_t seed) {
  AnyModel model;
  if (head.type == HeadType::kMaskedLm) {
    model.masked_lm = std::make_unique<MaskedLmModel>(config, seed);
  } else {
    model.classifier = std::make_unique<SequenceClassifier>(config, head, seed);
  }
  return model;
}

AnyModel load_any_model(const std::string& folder) {
  AnyModel model = build_any_model(load_model_config(folder), load_head_config(folder), /*seed=*/0);
  load_parameters(folder, model.config(), model.parameters());
  return model;
}

NamedTensors model_tensors(const AnyModel& model) {
  return tensors_of(model.config(), model.parameters());
}

NamedTensors model_tensors(const MaskedLmModel& model) {
  return tensors_of(model.config(), model.parameters());
}

NamedTensors model_tensors(const SequenceClassifier& model) {
  return tensors_of(model.config(), model.parameters());
}

void save_unigram_counts(const std::string& folder, const std::vector<uint64_t>& counts) {
  make_directories(folder + "/training");
  const std::vector<int64_t> values(counts.begin(), counts.end());
  save_tensors(unigram_path(folder), {{"counts", at::tensor(values, at::kLong)}});
}

std::optional<UnigramModel> load_unigram_model(const std::string& folder) {
  const std::string path = unigram_path(folder);
  if (!std::filesystem::exists(path)) return std::nullopt;
  const at::Tensor counts = at::empty({load_model_config(folder).vocab_size}, at::kLong);
  load_into(path, {{"counts", counts}});
  // In doubles the sum cannot overflow; a real corpus is far below the bound.
  const at::Tensor as_double = counts.to(at::kDouble);
  if (counts.lt(0).any().item<bool>() || as_double.sum().item<double>() > kMostTokens) {
    fail_run(path, "its counts are no numbers of tokens",
             "take another copy of the checkpoint, or remove the file: the unigram model's "
             "perplexity is then left out");
  }
  return UnigramModel(std::span(counts.data_ptr<int64_t>(), static_cast<size_t>(counts.numel())));
}

}  // namespace linformer
