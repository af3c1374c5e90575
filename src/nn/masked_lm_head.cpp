#include "linformer/nn/masked_lm_head.h"

#include <ATen/ATen.h>

#include "linformer/kernels/gelu.h"
#include "linformer/kernels/layer_norm.h"
#include "linformer/kernels/mixed_precision.h"
#include "linformer/kernels/weight_product.h"

namespace linformer {

MaskedLmHead::MaskedLmHead(const ModelConfig& config, const at::Tensor& word_embeddings,
                           ParameterSet& parameters)
    : epsilon_(config.layer_norm_eps) {
  const int64_t width = config.hidden_size;
  const double stddev = config.resolved_initializer_range();
  dense_weight_ =
      parameters.add_normal("lm_head.dense.weight", ParameterKind::kWeight, {width, width}, stddev);
  dense_bias_ = parameters.add_constant("lm_head.dense.bias", ParameterKind::kBias, {width}, 0.0);
  norm_ = add_norm(config, "lm_head.layer_norm", parameters);
  decoder_weight_ = config.tie_word_embeddings
                        ? word_embeddings
                        : parameters.add_normal("lm_head.decoder.weight", ParameterKind::kEmbedding,
                                                {config.vocab_size, width}, stddev);
  decoder_bias_ =
      parameters.add_constant("lm_head.bias", ParameterKind::kBias, {config.vocab_size}, 0.0);
}

at::Tensor MaskedLmHead::transform(const at::Tensor& hidden) const {
  const at::Tensor wide = bias_gelu(weight_product(hidden, dense_weight_), dense_bias_);
  return layer_norm(wide, norm_.weight, norm_.shift, epsilon_);
}

at::Tensor MaskedLmHead::loss_sum(const at::Tensor& hidden, const at::Tensor& labels) const {
  return linear_cross_entropy(transform(hidden), decoder_weight_, decoder_bias_, labels);
}

at::Tensor MaskedLmHead::losses(const at::Tensor& hidden, const at::Tensor& labels) const {
  return linear_cross_entropy_rows(transform(hidden), decoder_weight_, decoder_bias_, labels);
}

RowScores MaskedLmHead::scores(const at::Tensor& hidden, const at::Tensor& labels) const {
  return linear_cross_entropy_scores(transform(hidden), decoder_weight_, decoder_bias_, labels);
}

at::Tensor MaskedLmHead::logits(const at::Tensor& hidden) const {
  return to_full(weight_product(transform(hidden), decoder_weight_, decoder_bias_));
}

}  // namespace linformer
