#pragma once

#include <cstdint>
#include <span>

#include "../dropout_hash.h"
#include "low_types.h"

/// The CPU's loops over elements. loops/version.cpp is compiled once for every CPU that the build
/// serves ("baseline": AVX2 by default) and once more for AVX-512. A table of functions per version
/// is all that leaves these objects. Both versions give the same bits: sums have a fixed order
/// (loops/fixed_order_sum.h).
///
/// T is the type that a loop computes in, float or double. X, Y and E are types of elements: T, or
/// Bf16 with T = float. Loops over rows take those in [begin, end).
namespace linformer::cpu {

template <class T, class X, class Y>
struct NormForward {
  const X* x;
  const T* bias;      // may be null
  const T* residual;  // may be null
  const T* weight;
  const T* shift;       // null: RMSNorm
  const int64_t* rows;  // of the dropout site; null: 0, 1, ...
  T* sum;
  Y* normalized;
  T* mean;
  T* inverse_stddev;
  int64_t width;
  T epsilon;
};

template <class T, class X, class Y>
struct NormBackward {
  const T* sum;
  const T* mean;
  const T* inverse_stddev;
  const T* weight;
  const Y* grad_normalized;  // may be null
  const T* grad_sum;         // may be null
  T* grad_residual;
  X* grad_x;            // null: it equals grad_residual
  const int64_t* rows;  // of the dropout site; null: 0, 1, ...
  bool centred;         // LayerNorm; RMSNorm has no mean
  int64_t width;
};

/// NormKernels (layer_norm_kernels.h). `sums`: gradients of weight, shift and bias, one after the
/// other, to which those of the rows are added.
template <class T, class X, class Y>
struct NormLoops {
  void (*norm)(const NormForward<T, X, Y>& a, const DropoutHash& hash, int64_t begin, int64_t end);
  void (*norm_gradient)(const NormBackward<T, X, Y>& a, const DropoutHash& hash, int64_t begin,
                        int64_t end, T* sums);
};

/// GeluKernels (gelu_kernels.h) for one form of GELU. `dbias` (C): gradients are added to it.
template <class E>
struct GeluFormLoops {
  void (*forward)(const E* x, const ComputeType<E>* bias, E* y, int64_t begin, int64_t end,
                  int64_t width);
  void (*backward)(const E* x, const ComputeType<E>* bias, const E* dy, E* dx,
                   ComputeType<E>* dbias, int64_t begin, int64_t end, int64_t width);
};
template <class E>
struct GeluLoops {
  GeluFormLoops<E> exact_gelu, tanh_gelu;
};

struct ConvolutionShape {
  int64_t length;
  int64_t channels;
  int64_t width;
};

/// ConvolutionKernels (depthwise_convolution_kernels.h), with taps (W, C).
template <class E>
struct ConvolutionLoops {
  /// Adds to y. direction +1 correlates (the forward pass); -1 is its transpose (gradient of x).
  void (*convolve)(const E* x, const ComputeType<E>* taps, E* y, const ConvolutionShape& shape,
                   int direction, int64_t begin, int64_t end);
  /// Adds to dtaps (W, C).
  void (*tap_gradient)(const E* x, const E* dy, ComputeType<E>* dtaps,
                       const ConvolutionShape& shape, int64_t begin, int64_t end);
};

/// Parts of an attention's row that float and double have.
template <class T>
struct AttentionLoops {
  /// Turns scores into softmax(scale * scores) and returns log-sum-exp. Keys outside of the mask
  /// become 0; without any key, the result is infinity. The mask may be null.
  T (*softmax)(T* scores, T scale, const bool* mask, int64_t keys);

  /// The backward pass. Input: scores (Q K^T times `factor` are those of the softmax) and
  /// dp = dO V^T. Output: the probabilities after dropout (for dV) in scores, and
  /// dS = P * (dP - delta) * scale in dp.
  void (*softmax_gradient)(T* scores, T* dp, T factor, const bool* mask, T log_sum, T delta,
                           T scale, const DropoutHash& hash, uint32_t first, int64_t keys);

  /// DropoutHash's decisions on a row: out[i] = in[i] / (1 - probability) or 0.
  void (*dropout)(const T* in, T* out, const DropoutHash& hash, uint32_t first, int64_t count);
};

/// a . b
template <class E>
struct DotLoops {
  ComputeType<E> (*dot)(const E* a, const E* b, int64_t count);
};

template <class T>
struct LossLoops {
  /// Adds the bias to a row of logits and returns the cross-entropy. The row becomes exp(logit -
  /// max), and `sum` the sum of the row. `best`, if not null, becomes the place of the max.
  T (*row_loss)(T* logits, const T* bias, int64_t words, int64_t label, T& sum, int64_t* best);
  /// Turns exp(logit - max) into softmax - one_hot(label) and adds it to the bias gradient.
  void (*row_loss_gradient)(T* row, T* grad_bias, int64_t words, int64_t label, T sum);
};

/// Conversions between float and packed bf16 (packed_products.h).
struct RoundingLoops {
  /// Rounds (rows, width) to bf16, with zeros in columns [width, padded_width).
  void (*round_rows)(const float* from, int64_t from_stride, Bf16* to, int64_t to_stride,
                     int64_t rows, int64_t width, int64_t padded_width);
  /// Packs (k, n) out of rows of floats.
  void (*pack_floats)(const float* from, int64_t stride, int64_t k, int64_t n, Bf16* to);
  /// Packs (k, n) out of rows of bf16.
  void (*pack_low)(const Bf16* from, int64_t stride, int64_t k, int64_t n, Bf16* to);
};

/// One version of all loops. `const GeluLoops<float>& loops = element_loops();` takes a part.
struct ElementLoops : NormLoops<float, float, float>,
                      NormLoops<float, float, Bf16>,
                      NormLoops<float, Bf16, float>,
                      NormLoops<float, Bf16, Bf16>,
                      NormLoops<double, double, double>,
                      GeluLoops<float>,
                      GeluLoops<double>,
                      GeluLoops<Bf16>,
                      ConvolutionLoops<float>,
                      ConvolutionLoops<double>,
                      ConvolutionLoops<Bf16>,
                      AttentionLoops<float>,
                      AttentionLoops<double>,
                      DotLoops<float>,
                      DotLoops<double>,
                      DotLoops<Bf16>,
                      LossLoops<float>,
                      LossLoops<double>,
                      RoundingLoops {
  const char* name;  ///< "baseline" or "avx512"
};

/// The versions in this program that this CPU can run, the best one last.
std::span<const ElementLoops* const> usable_loops();

/// The version that this process uses: the best one, or the one that the environment variable
/// LINFORMER_CPU_LOOPS names. Throws UsageError if it names none that this CPU can run.
const ElementLoops& element_loops();

}  // namespace linformer::cpu
