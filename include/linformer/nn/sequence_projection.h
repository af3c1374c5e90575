#pragma once

#include <functional>
#include <string>

#include <ATen/core/Tensor.h>

#include "linformer/config/model_config.h"
#include "linformer/nn/linear.h"
#include "linformer/nn/parameters.h"

namespace linformer {

/// What E (keys) and F (values) learn. With key_value and layerwise sharing F is E, the same
/// tensor; both are undefined where a kind has no parameters.
struct ProjectionWeights {
  at::Tensor E;
  at::Tensor F;

  bool shared_key_value() const { return E.is_same(F); }
};

/// What a projection sees of heads with the same k.
struct ProjectionInput {
  at::Tensor x;     ///< (B, N, C), N <= n, padded rows zero
  at::Tensor mask;  ///< (B, N) bool, true = token; undefined = no padding
  Linear key;       ///< to (out, C)
  Linear value;
  ProjectionWeights weights;
  at::Tensor full_value;  ///< (B, N, out), the values at all positions, or undefined
  int64_t k = 0;
  int64_t max_length = 0;  ///< n
  ProjectionOrder order = ProjectionOrder::kFeaturesFirst;
  bool rescale_padding = false;

  int64_t length() const { return x.size(1); }
};

/// One kind of projection of the n positions of keys (E) and values (F) to k rows; arXiv
/// 2006.04768, section 4. An object without state; the weights belong to the layer, or with
/// layerwise sharing to the model. What it asks of a configuration and what it costs are the
/// ProjectionRules of the same name.
///
/// features_first projects E (x W + 1 b^T), the paper's; sequence_first (E x) W + 1 b^T, the
/// official code's. A sequence of N < n positions uses the first N columns of E. Padded rows count
/// for nothing.
class SequenceProjection {
 public:
  virtual ~SequenceProjection() = default;

  /// What a weight of this layer starts with, of the shape that the rules give; `name` says which
  /// random numbers are its own. Not called for kinds without parameters.
  virtual at::Tensor start(const ModelConfig& config, int64_t layer, const std::string& name,
                           const ParameterSet& parameters) const;

  /// Keys and values, (B, k, out) each.
  virtual KeyValue project(const ProjectionInput& input) const = 0;

  /// A weight for n' > n positions with the same k: its last dimension stretched by n' / n,
  /// linearly between entries, times n / n', so that a row mixes the same share.
  virtual at::Tensor interpolated(const at::Tensor& weight, int64_t n, int64_t longer) const;

  /// A weight for n' > n positions that repeats what the n positions had. Kinds with windows keep
  /// them, so that k grows with n; most of their weights are of one window and stay as they are.
  virtual at::Tensor tiled(const at::Tensor& weight, int64_t n, int64_t longer) const;

 protected:
  using ProjectRows = std::function<at::Tensor(const at::Tensor& rows, const at::Tensor& weight)>;

  /// For kinds that cannot change places with the matrices of key and value: projects x or the keys
  /// and values, as the order says.
  static KeyValue project_in_order(const ProjectionInput& input, const ProjectRows& project);
};

/// The projection of this kind, from the list in config/attention_kinds.h.
const SequenceProjection& sequence_projection(ProjectionType type);

/// Adds E, and F where it is not E, to `parameters` as PREFIX.E and PREFIX.F. With
/// attention.train_projection: false they need no gradient.
ProjectionWeights make_projection_weights(const ModelConfig& config, int64_t layer,
                                          const std::string& prefix, ParameterSet& parameters);

#define LINFORMER_DECLARE(ENUMERATOR, NAME, WHAT) const SequenceProjection& NAME##_projection();
LINFORMER_PROJECTION_KINDS(LINFORMER_DECLARE)
#undef LINFORMER_DECLARE

}  // namespace linformer
