#pragma once

#include "attention_rows.h"
#include "packed_products.h"

/// The CPU's attention with packed products (packed_products.h), for float and bf16. Scores and
/// probabilities are floats; in bf16, the products round their factors. Shapes and equations are
/// those of attention_kernels.h.
namespace linformer::cpu {

/// A head of one sequence: its rows are AttentionShape::channels() apart.
template <class T>
struct PackedHead {
  const T* query;
  const T* key;
  const T* value;
  const bool* mask;  // of the keys; null: all are seen
  Positions positions;
  int64_t batch_head;
};

template <class T>
void packed_forward(const AttentionShape& shape, const PackedHead<T>& head, const DropoutHash& hash,
                    T* output, float* log_sums);

template <class T>
void packed_backward(const AttentionShape& shape, const PackedHead<T>& head,
                     const DropoutHash& hash, const T* output, const T* upstream,
                     const float* log_sums, const HeadGradients<T>& gradients);

}  // namespace linformer::cpu
