#pragma once

#include <array>
#include <memory>

#include <ATen/core/Tensor.h>

#include "linformer/config/trainer_config.h"

namespace linformer {

/// The number type of matrix products, and the weights' copies in that type. A handle: copies share
/// the casts.
///
/// With bf16 and fp16 the weights themselves stay fp32, and so do the residual stream, norms,
/// softmax, losses, reductions and gradients of weights; what enters matrix products is cast
/// (docs/precision.md).
class MixedPrecision {
 public:
  explicit MixedPrecision(Precision precision = Precision::kFp32);

  Precision precision() const;
  bool active() const { return precision() != Precision::kFp32; }
  /// Of matrix products.
  at::ScalarType type() const;

  /// Forgets the weights' copies, for the memory's sake: a changed weight is copied anew anyway.
  void drop_casts() const;

 private:
  friend class AutocastScope;
  friend at::Tensor cast_weight(const at::Tensor& weight);
  struct State;
  std::shared_ptr<State> state_;
};

/// Computes in this precision on this thread while it lives: LibTorch's autocast (matrix products
/// take and give the low type) and cast_weight(). What was before comes back at the end, after
/// exceptions too. Scopes nest; one of fp32 suspends an outer one.
///
/// Meant for forward passes. backward() belongs outside: its products have the types of the forward
/// pass already, and on other devices it runs on other threads.
class AutocastScope {
 public:
  explicit AutocastScope(const MixedPrecision& precision);
  ~AutocastScope();
  AutocastScope(const AutocastScope&) = delete;
  AutocastScope& operator=(const AutocastScope&) = delete;

  /// Of the innermost scope; fp32 outside of all.
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

/// A weight as matrix products of the innermost scope take it; itself in fp32 and for other types
/// than float. The copy of a leaf is kept until the leaf changes or drop_casts(), and carries
/// gradients to the leaf in fp32. "Changes" means its version or its memory: what writes past both
/// (a fused kernel, a raw pointer) has to raise the version.
at::Tensor cast_weight(const at::Tensor& weight);

/// bf16 and fp16 to fp32, with the gradient cast back; other types as they are.
at::Tensor to_full(const at::Tensor& x);

}  // namespace linformer
