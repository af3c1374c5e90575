#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include <ATen/core/Tensor.h>

#include "linformer/config/model_config.h"
#include "linformer/nn/encoder.h"
#include "linformer/nn/model.h"

namespace linformer {

/// The operands of one head. Letters: B batch, N queries, M keys, D = C / H head width.
struct HeadAttention {
  at::Tensor query;    ///< (B, N, D)
  at::Tensor key;      ///< (B, M, D)
  at::Tensor value;    ///< (B, M, D)
  at::Tensor visible;  ///< bool, broadcasts to (B, N, M), true = attended to; undefined = all

  /// Q K^T / sqrt(D), (B, N, M), with all keys.
  at::Tensor scores() const;
  /// P = softmax(Q K^T / sqrt(D)) over the visible keys, (B, N, M), dense. A row that sees no key
  /// is 0. The head's output is P V; a value convolution adds to it and is no part of P.
  at::Tensor probabilities() const;
};

/// The attention of one layer in one forward pass.
struct LayerAttention {
  AttentionType type = AttentionType::kStandard;
  /// The heads as the layer computes them. M = N, or the k rows of E K and F V (then P is P-bar of
  /// arXiv 2006.04768, equation 7).
  std::vector<HeadAttention> heads;
  /// The same queries over the keys and values of all N positions, from the layer's own matrices:
  /// what standard attention with its weights would compute from its input.
  std::vector<HeadAttention> full;
};

/// Runs a batch through the encoder without dropout and without gradients, and gives each layer's
/// attention to `visit`, in the order of the layers. If rows have padding, tokens come first in
/// every matrix. Throws UsageError as Encoder::forward() does, and std::logic_error for a layer
/// that did not record all its heads.
void visit_attention(const Model& model, const EncoderInput& input,
                     const std::function<void(int64_t layer, const LayerAttention&)>& visit);

}  // namespace linformer
