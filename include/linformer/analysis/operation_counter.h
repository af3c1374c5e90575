#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include <ATen/core/Tensor.h>

namespace linformer {

/// What some tensor code executed.
struct OperationCounts {
  int64_t weight_multiply_adds = 0;  ///< of products with one of the given weights
  int64_t other_multiply_adds = 0;   ///< of all other products
  int64_t num_calls = 0;  ///< operators that compute: products, element-wise ones, reductions

  int64_t multiply_adds() const { return weight_multiply_adds + other_multiply_adds; }
};

/// Runs `action` and counts the multiply-adds of its matrix products, from the shapes that the
/// operators really get: LibTorch's operators by record functions, and those of this library's own
/// CPU kernels by kernels/own_products.h. A product belongs to a weight if one of its operands
/// shares the memory of one. Products of own kernels count as other products, and a kernel that has
/// some counts as one call.
///
/// Element-wise operations, softmax, reductions and copies have no multiply-adds here, as in
/// nn/model_cost.h. Throws RunError that names every operator called that the counter does not
/// know, so that none is counted as 0 by mistake. LibTorch's fused attention is such an operator.
OperationCounts count_operations(const std::vector<at::Tensor>& weights,
                                 const std::function<void()>& action);

}  // namespace linformer
