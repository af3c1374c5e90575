#include "linformer/nn/masked_lm_model.h"

namespace linformer {

MaskedLmModel::MaskedLmModel(const ModelConfig& config, uint64_t seed, at::ScalarType dtype,
                             at::Device device)
    : config_(config),
      parameters_(seed, dtype, device),
      encoder_(config, parameters_),
      head_(config, encoder_.embeddings().word_weight(), parameters_) {}

}  // namespace linformer
