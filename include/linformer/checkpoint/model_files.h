#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "linformer/checkpoint/tensor_files.h"

namespace linformer {

/// What a model folder holds, as handles: the tensors are not copied.
struct ModelFiles {
  std::string config_json;
  NamedTensors tensors;
  std::string tokenizer;                 ///< bytes of tokenizer.model
  std::vector<uint64_t> unigram_counts;  ///< of the training data; empty = not written
};

/// Writes config.json, model.safetensors and tokenizer.model into an existing folder.
void save_model_files(const std::string& folder, const std::string& config_json,
                      const NamedTensors& tensors, const std::string& tokenizer_model_bytes);

/// How often each token occurred in the training data: FOLDER/training/unigram.safetensors.
void save_unigram_counts(const std::string& folder, const std::vector<uint64_t>& counts);
/// Whether the folder has them; an imported model has none.
bool has_unigram_counts(const std::string& folder);
/// The counts of a vocabulary of this size. Throws RunError for numbers that cannot be counts.
std::vector<int64_t> load_unigram_counts(const std::string& folder, int64_t vocab_size);

/// Where a checkpoint of a run with training.ema_decay keeps the weights that its model.safetensors
/// does not hold: the averaged ones (pre-training) or the raw ones (fine-tuning, whose models are
/// used as they were chosen). One of the two files exists.
std::string weight_average_path(const std::string& folder);
std::string raw_weights_path(const std::string& folder);
/// Whether a checkpoint has averaged weights, in either file.
bool has_averaged_weights(const std::string& folder);

/// The name of the first tensor with values that are not finite; nothing if there is none.
std::optional<std::string> find_not_finite(const NamedTensors& tensors);
/// Throws RunError that names it: every answer of such a model would be NaN. `source` is the file
/// for the message.
void check_finite(const std::string& source, const NamedTensors& tensors);

}  // namespace linformer
