#pragma once

#include <memory>
#include <optional>
#include <string>

#include "linformer/checkpoint/model_files.h"
#include "linformer/metrics/unigram_model.h"
#include "linformer/nn/model.h"

namespace linformer {

/// The table of segments, (type_vocab_size, C), as files name it.
inline constexpr const char* kTokenTypeEmbeddings =
    "roberta.embeddings.token_type_embeddings.weight";

/// Writes config.json, model.safetensors and tokenizer.model into an existing folder, in Hugging
/// Face's layout. A `standard` post-norm model gets the token-type table that RoBERTa has, as
/// zeros, so that transformers opens it with equal results.
void save_model(const std::string& folder, const Model& model,
                const std::string& tokenizer_model_bytes);

/// Reads config.json and model.safetensors of a model folder; of a run folder, those of the
/// checkpoint that find_model_folder() takes. The model has the head that config.json names.
/// Missing, unknown or misshapen tensors are listed by name and refused (RunError).
std::unique_ptr<Model> load_model(const std::string& path, at::Device device = at::kCPU);
/// The same, and throws RunError for a model with another head.
std::unique_ptr<Model> load_masked_lm(const std::string& path, at::Device device = at::kCPU);
/// The same for a head for classification or regression.
std::unique_ptr<Model> load_classifier(const std::string& path, at::Device device = at::kCPU);

/// Handles on what model.safetensors of this model holds.
NamedTensors saved_tensors(const Model& model);

/// Copies the tensors of FOLDER/model.safetensors into an existing model.
void load_weights(const std::string& folder, Model& model);

/// Replaces the weights, which are those of FOLDER/model.safetensors, by the averaged ones. Throws
/// RunError if the folder has none.
void load_averaged_weights(const std::string& folder, const ParameterSet& parameters);

/// The unigram model of the training data's counts; nothing if the folder has none (an imported
/// model).
std::optional<UnigramModel> load_unigram_model(const std::string& folder);

}  // namespace linformer
