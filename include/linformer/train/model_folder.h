#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "linformer/metrics/unigram_model.h"
#include "linformer/nn/masked_lm_model.h"

namespace linformer {

/// Writes config.json, model.safetensors and tokenizer.model into an existing folder, in Hugging
/// Face's layout. A `standard` post-norm model gets the token-type table that RoBERTa has, as
/// zeros, so that transformers opens it with equal results.
void save_model(const std::string& folder, const MaskedLmModel& model,
                const std::string& tokenizer_model_bytes);

/// Reads config.json and model.safetensors. Missing, unknown or misshapen tensors are listed by
/// name and refused (RunError).
std::unique_ptr<MaskedLmModel> load_model(const std::string& folder);

/// Copies the tensors of FOLDER/model.safetensors into an existing model.
void load_weights(const std::string& folder, MaskedLmModel& model);

/// How often each token occurred in the training data: FOLDER/training/unigram.safetensors.
void save_unigram_counts(const std::string& folder, const std::vector<uint64_t>& counts);
/// The unigram model of these counts; nothing if the folder has none (an imported model).
std::optional<UnigramModel> load_unigram_model(const std::string& folder);

}  // namespace linformer
