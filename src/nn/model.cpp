#include "linformer/nn/model.h"

#include <stdexcept>

namespace linformer {
namespace {

/// A head that predicts no words does not share their table.
ModelConfig encoder_config(ModelConfig config, const HeadConfig& head) {
  if (head.type != HeadType::kMaskedLm) config.tie_word_embeddings = false;
  return config;
}

template <class T, class Variant>
const T& head_of_type(const Variant& head) {
  const T* found = std::get_if<T>(&head);
  if (found == nullptr) throw std::logic_error("the model has another head");
  return *found;
}

}  // namespace

Model::Model(const ModelConfig& config, uint64_t seed, at::ScalarType dtype, at::Device device)
    : Model(config, HeadConfig{}, seed, dtype, device) {}

Model::Model(const ModelConfig& config, const HeadConfig& head, uint64_t seed, at::ScalarType dtype,
             at::Device device)
    : config_(config),
      head_config_(head),
      parameters_(seed, dtype, device),
      encoder_(encoder_config(config, head), parameters_),
      head_(make_head()) {}

Model::Head Model::make_head() {
  if (is_masked_lm()) {
    return MaskedLmHead(config_, encoder_.embeddings().word_weight(), parameters_);
  }
  return ClassificationHead(config_, head_config_, parameters_);
}

const MaskedLmHead& Model::masked_lm_head() const {
  return head_of_type<MaskedLmHead>(head_);
}

const ClassificationHead& Model::classification_head() const {
  return head_of_type<ClassificationHead>(head_);
}

}  // namespace linformer
