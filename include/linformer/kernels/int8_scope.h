#pragma once

#include <memory>

namespace linformer {

class Int8Weights;

/// While it exists, this thread multiplies by weights in int8 on the CPU: weight_product(), and the
/// logits of linear_cross_entropy_rows() and _scores(). For predictions and evaluations; a forward
/// pass that needs gradients is refused.
///
/// LibTorch's quantised products compute this. Each row of a weight (an output channel) has a scale
/// of its own, and is rounded once, at its first product. The rows of a product's input share one
/// scale and offset, which each product chooses anew. Everything else stays fp32: embeddings,
/// products with E and F, attention, norms, biases, softmax. So do the parts of weights that heads
/// with different k make for each call, and products whose input or weight is not finite.
///
/// Scopes nest; an inner one has its own copies of the weights.
class Int8Scope {
 public:
  /// Throws UsageError if LibTorch has no int8 products on this CPU.
  Int8Scope();
  ~Int8Scope();
  Int8Scope(const Int8Scope&) = delete;
  Int8Scope& operator=(const Int8Scope&) = delete;

  static bool active();

 private:
  std::unique_ptr<Int8Weights> weights_;
};

}  // namespace linformer
