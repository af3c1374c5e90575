#pragma once

#include <array>
#include <memory>

#include <ATen/core/Tensor.h>

#include "linformer/config/trainer_config.h"

namespace linformer {

/// The number type of matrix products, and the copies of weights in that type. This is a handle:
/// its copies share the casts.
///
/// With bf16 and fp16, the weights themselves stay fp32. So do the residual stream, norms, softmax,
/// losses, reductions and gradients of weights. Only the operands of matrix products are cast
/// (docs/precision.md).
class MixedPrecision {
 public:
  explicit MixedPrecision(Precision precision = Precision::kFp32);

  Precision precision() const;
  bool active() const { return precision() != Precision::kFp32; }
  /// The type of matrix products.
  at::ScalarType type() const;

  /// Drops the copies of weights to free memory. (A changed weight is copied again in any case.)
  void drop_casts() const;

 private:
  friend class AutocastScope;
  friend at::Tensor cast_weight(const at::Tensor& weight);
  struct State;
  std::shared_ptr<State> state_;
};

/// While it exists, this thread computes in this precision, with LibTorch's autocast (matrix
/// products take and return the low type) and cast_weight(). The destructor restores the previous
/// state, after exceptions too. Scopes nest; a scope of fp32 suspends an outer one.
///
/// Use it for forward passes. backward() belongs outside: its products already have the types of
/// the forward pass, and on other devices it runs on other threads.
class AutocastScope {
 public:
  explicit AutocastScope(const MixedPrecision& precision);
  ~AutocastScope();
  AutocastScope(const AutocastScope&) = delete;
  AutocastScope& operator=(const AutocastScope&) = delete;

  /// The precision of the innermost scope; fp32 outside of all scopes.
  static MixedPrecision current();

 private:
  struct Saved {
    bool enabled;
    at::ScalarType type;
  };
  std::array<Saved, 2> saved_;  // CPU, CUDA
  bool saved_cache_enabled_;
  std::shared_ptr<MixedPrecision::State> outer_;
  std::shared_ptr<MixedPrecision::State> own_;  // keeps alive what current() points to
};

/// A weight in the type of matrix products of the innermost scope. In fp32, and for other types
/// than float, it is the weight itself. The copy of a parameter (a leaf with a gradient) is kept
/// until it changes or drop_casts() is called, and passes gradients to it in fp32. A change means
/// another version or other memory. Code that bypasses both (a fused kernel, a raw pointer) has to
/// raise the version.
at::Tensor cast_weight(const at::Tensor& weight);

/// bf16 and fp16 converted to fp32, with the gradient cast back; other types unchanged.
at::Tensor to_full(const at::Tensor& x);

}  // namespace linformer
