#include "linformer/nn/sequence_classifier.h"

namespace linformer {
namespace {

/// Nothing but the first token is looked at, and no word is predicted: the words serve once.
ModelConfig without_masked_lm(ModelConfig config) {
  config.tie_word_embeddings = false;
  return config;
}

}  // namespace

SequenceClassifier::SequenceClassifier(const ModelConfig& config, const HeadConfig& head,
                                       uint64_t seed, at::ScalarType dtype, at::Device device)
    : config_(config),
      head_config_(head),
      parameters_(seed, dtype, device),
      encoder_(without_masked_lm(config), parameters_),
      head_(config, head.num_outputs(), parameters_) {}

}  // namespace linformer
