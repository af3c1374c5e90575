#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "linformer/checkpoint/model_folder.h"
#include "linformer/metrics/unigram_model.h"
#include "linformer/nn/masked_lm_model.h"
#include "linformer/nn/sequence_classifier.h"

namespace linformer {

/// The table of segments, (type_vocab_size, C), as files name it.
inline constexpr const char* kTokenTypeEmbeddings =
    "roberta.embeddings.token_type_embeddings.weight";

/// Writes config.json, model.safetensors and tokenizer.model into an existing folder, in Hugging
/// Face's layout. A `standard` post-norm model gets the token-type table that RoBERTa has, as
/// zeros, so that transformers opens it with equal results.
void save_model(const std::string& folder, const MaskedLmModel& model,
                const std::string& tokenizer_model_bytes);

/// The same from its parts: the text of config.json, model_tensors(), the tokenizer's file.
void save_model(const std::string& folder, const std::string& config_json,
                const NamedTensors& tensors, const std::string& tokenizer_model_bytes);

/// Reads config.json and model.safetensors. Missing, unknown or misshapen tensors are listed by
/// name and refused (RunError).
std::unique_ptr<MaskedLmModel> load_model(const std::string& folder);

/// The same for a model with a head for classification or regression.
std::unique_ptr<SequenceClassifier> load_classifier(const std::string& folder);

/// A model with whichever head its configuration names: one of both is there.
struct AnyModel {
  std::unique_ptr<MaskedLmModel> masked_lm;
  std::unique_ptr<SequenceClassifier> classifier;

  const ModelConfig& config() const {
    return masked_lm ? masked_lm->config() : classifier->config();
  }
  const Encoder& encoder() const {
    return masked_lm ? masked_lm->encoder() : classifier->encoder();
  }
  const ParameterSet& parameters() const {
    return masked_lm ? masked_lm->parameters() : classifier->parameters();
  }
};
AnyModel build_any_model(const ModelConfig& config, const HeadConfig& head, uint64_t seed);
/// Reads a model folder, as load_model().
AnyModel load_any_model(const std::string& folder);
/// Handles on what model.safetensors of this model holds.
NamedTensors model_tensors(const AnyModel& model);
NamedTensors model_tensors(const MaskedLmModel& model);
NamedTensors model_tensors(const SequenceClassifier& model);

/// Copies the tensors of FOLDER/model.safetensors into an existing model.
void load_weights(const std::string& folder, MaskedLmModel& model);
void load_weights(const std::string& folder, SequenceClassifier& model);

/// The name of the first tensor with values that are not finite; nothing if there is none.
std::optional<std::string> find_not_finite(const NamedTensors& tensors);
/// Throws RunError that names it: such values would make every answer of the model one. `source` is
/// the file for the message.
void check_finite(const std::string& source, const NamedTensors& tensors);

/// Handles on the parameters, by the names that they have in files.
NamedTensors named_parameters(const ParameterSet& parameters);

/// Whether a checkpoint has averaged weights (training.ema_decay), in whichever of its files.
bool has_averaged_weights(const std::string& folder);
/// Replaces the weights, which are those of FOLDER/model.safetensors, by the averaged ones. Throws
/// RunError if the folder has none.
void load_averaged_weights(const std::string& folder, const ParameterSet& parameters);

/// How often each token occurred in the training data: FOLDER/training/unigram.safetensors.
void save_unigram_counts(const std::string& folder, const std::vector<uint64_t>& counts);
/// The unigram model of these counts; nothing if the folder has none (an imported model).
std::optional<UnigramModel> load_unigram_model(const std::string& folder);

}  // namespace linformer
