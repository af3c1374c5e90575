#pragma once

#include <functional>
#include <string>

#include <ATen/core/Tensor.h>

#include "linformer/config/model_config.h"
#include "linformer/kernels/packed_rows.h"
#include "linformer/nn/linear.h"
#include "linformer/nn/parameters.h"

namespace linformer {

/// The learned matrices E (keys) and F (values). With key_value and layerwise sharing, F is the
/// same tensor as E. Both are undefined if a kind has no parameters.
struct ProjectionWeights {
  at::Tensor E;
  at::Tensor F;

  bool shared_key_value() const { return E.is_same(F); }
};

/// The input of a projection: heads with the same k.
struct ProjectionInput {
  at::Tensor x;       ///< (T, C), the batch's tokens
  PackedRows tokens;  ///< which rows of the batch (B, N) they are; the first ones, N <= n
  Linear key;         ///< to (out, C)
  Linear value;
  ProjectionWeights weights;
  at::Tensor full_value;  ///< (T, out), the values of all tokens, or undefined
  int64_t k = 0;
  int64_t max_length = 0;  ///< n
  ProjectionOrder order = ProjectionOrder::kFeaturesFirst;
  bool rescale_padding = false;

  int64_t length() const { return tokens.length; }
};

/// One kind of projection of the n positions of keys (E) and values (F) to k rows; arXiv
/// 2006.04768, section 4. The object has no state. The weights belong to the layer or, with
/// layerwise sharing, to the model. The ProjectionRules of the same name hold its requirements on a
/// configuration and its cost.
///
/// features_first projects E (x W + 1 b^T), as the paper does; sequence_first computes (E x) W + 1
/// b^T, as the official code does. A sequence of N < n positions uses the first N columns of E.
/// Rows become positions here, so they are padded with zeros to the longest sequence.
class SequenceProjection {
 public:
  virtual ~SequenceProjection() = default;

  /// The starting value of a weight of this layer, in the shape that the rules give. `name` selects
  /// its random numbers. Not called for kinds without parameters.
  virtual at::Tensor start(const ModelConfig& config, int64_t layer, const std::string& name,
                           const ParameterSet& parameters) const;

  /// Keys and values, (B, k, out) each.
  virtual KeyValue project(const ProjectionInput& input) const = 0;

  /// A weight for n' > n positions with the same k: its last dimension is stretched by n' / n,
  /// linearly between entries, and scaled by n / n', so that a row mixes the same share.
  virtual at::Tensor interpolated(const at::Tensor& weight, int64_t n, int64_t longer) const;

  /// A weight for n' > n positions that repeats the weight of the n positions. Kinds with windows
  /// keep their windows, so that k grows with n. Most of their weights belong to one window and
  /// stay as they are.
  virtual at::Tensor tiled(const at::Tensor& weight, int64_t n, int64_t longer) const;

 protected:
  /// `rows` (B, N, C), zero at padding.
  using ProjectRows = std::function<at::Tensor(const at::Tensor& rows, const at::Tensor& weight)>;

  /// For kinds that do not commute with the matrices of key and value: projects x, or the keys and
  /// values, as the order says.
  static KeyValue project_in_order(const ProjectionInput& input, const ProjectRows& project);
};

/// The projection of this kind, from the list in config/attention_kinds.h.
const SequenceProjection& sequence_projection(ProjectionType type);

/// Adds E, and F if it is a tensor of its own, to `parameters` as PREFIX.E and PREFIX.F. With
/// attention.train_projection: false they do not require a gradient.
ProjectionWeights make_projection_weights(const ModelConfig& config, int64_t layer,
                                          const std::string& prefix, ParameterSet& parameters);

#define LINFORMER_DECLARE(ENUMERATOR, NAME, WHAT) const SequenceProjection& NAME##_projection();
LINFORMER_PROJECTION_KINDS(LINFORMER_DECLARE)
#undef LINFORMER_DECLARE

}  // namespace linformer
