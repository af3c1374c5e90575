#include "linformer/train/model_folder.h"

#include <filesystem>

#include <ATen/ATen.h>

#include "linformer/checkpoint/model_config_json.h"
#include "linformer/checkpoint/model_folder.h"
#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"

namespace linformer {
namespace {

constexpr const char* kTokenTypes = "roberta.embeddings.token_type_embeddings.weight";

/// Handles on every tensor of the file; the token types, if the file has them, are zeros.
NamedTensors tensors_of(const MaskedLmModel& model) {
  NamedTensors tensors;
  for (const Parameter& parameter : model.parameters().all()) {
    tensors.emplace_back(parameter.name, parameter.tensor.detach());
  }
  if (model.config().is_plain_roberta() && model.config().type_vocab_size == 0) {
    tensors.emplace_back(kTokenTypes, at::zeros({1, model.config().hidden_size}));
  }
  return tensors;
}

std::string unigram_path(const std::string& folder) {
  return folder + "/training/unigram.safetensors";
}

}  // namespace

void save_model(const std::string& folder, const MaskedLmModel& model,
                const std::string& tokenizer_model_bytes) {
  write_file_atomically(folder + "/config.json", to_config_json(model.config()));
  save_tensors(folder + "/model.safetensors", tensors_of(model));
  write_file_atomically(folder + "/tokenizer.model", tokenizer_model_bytes);
}

void load_weights(const std::string& folder, MaskedLmModel& model) {
  const std::string path = folder + "/model.safetensors";
  const NamedTensors targets = tensors_of(model);
  load_into(path, targets);
  if (targets.back().first == kTokenTypes && targets.back().second.any().item<bool>()) {
    fail_run(
        path,
        std::string(kTokenTypes) + " is not zero, but config.json says segment_embeddings: false",
        "remove that key from config.json");
  }
}

std::unique_ptr<MaskedLmModel> load_model(const std::string& folder) {
  auto model = std::make_unique<MaskedLmModel>(load_model_config(folder), /*seed=*/0);
  load_weights(folder, *model);
  return model;
}

void save_unigram_counts(const std::string& folder, const std::vector<uint64_t>& counts) {
  make_directories(folder + "/training");
  const std::vector<int64_t> values(counts.begin(), counts.end());
  save_tensors(unigram_path(folder), {{"counts", at::tensor(values, at::kLong)}});
}

std::optional<UnigramModel> load_unigram_model(const std::string& folder) {
  if (!std::filesystem::exists(unigram_path(folder))) return std::nullopt;
  const at::Tensor counts = load_tensors(unigram_path(folder)).at("counts");
  return UnigramModel(std::span(counts.data_ptr<int64_t>(), static_cast<size_t>(counts.numel())));
}

}  // namespace linformer
