#include "linformer/nn/sequence_classifier.h"

namespace linformer {
namespace {

/// No word is predicted: the words serve once.
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
      head_(config, head, parameters_) {}

}  // namespace linformer
