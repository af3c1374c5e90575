#include "linformer/kernels/mixed_precision.h"

#include <mutex>
#include <unordered_map>

#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>

namespace linformer {

struct MixedPrecision::State {
  struct Cast {
    at::Tensor weight;             // kept, so that its address is not reused for another weight
    int64_t version = 0;           // version of the weight when it was copied
    const void* memory = nullptr;  // address of its values then: set_data() keeps the version
    at::Tensor copy;
  };
  using Casts = std::unordered_map<const c10::TensorImpl*, Cast>;

  Precision precision = Precision::kFp32;
  std::mutex mutex;
  // A copy made without gradients cannot be used where gradients are needed. Recomputed layers and
  // evaluations run their forward pass without gradients.
  Casts with_gradient;
  Casts without_gradient;
};

namespace {

/// The copy of `weight` in `casts`; undefined if there is none or the weight has changed.
template <class Casts>
at::Tensor find_copy(const Casts& casts, const at::Tensor& weight) {
  const auto found = casts.find(weight.unsafeGetTensorImpl());
  const bool fresh = found != casts.end() && found->second.version == weight._version() &&
                     found->second.memory == weight.const_data_ptr();
  return fresh ? found->second.copy : at::Tensor();
}

constexpr std::array kDevices{at::kCPU, at::kCUDA};

bool is_low(at::ScalarType type) {
  return type == at::kBFloat16 || type == at::kHalf;
}

}  // namespace

MixedPrecision::MixedPrecision(Precision precision) : state_(std::make_shared<State>()) {
  state_->precision = precision == Precision::kAuto ? Precision::kFp32 : precision;
}

Precision MixedPrecision::precision() const {
  return state_->precision;
}

at::ScalarType MixedPrecision::type() const {
  switch (state_->precision) {
    case Precision::kBf16:
      return at::kBFloat16;
    case Precision::kFp16:
      return at::kHalf;
    case Precision::kFp32:
    case Precision::kAuto:
      break;
  }
  return at::kFloat;
}

void MixedPrecision::drop_casts() const {
  const std::lock_guard lock(state_->mutex);
  state_->with_gradient.clear();
  state_->without_gradient.clear();
}

namespace {

// Type-erased, since State is private to MixedPrecision.
thread_local std::shared_ptr<void> innermost;

}  // namespace

AutocastScope::AutocastScope(const MixedPrecision& precision)
    : saved_cache_enabled_(at::autocast::is_autocast_cache_enabled()),
      outer_(std::static_pointer_cast<MixedPrecision::State>(innermost)),
      own_(precision.state_) {
  for (size_t i = 0; i < kDevices.size(); ++i) {
    saved_[i] = {at::autocast::is_autocast_enabled(kDevices[i]),
                 at::autocast::get_autocast_dtype(kDevices[i])};
    at::autocast::set_autocast_enabled(kDevices[i], precision.active());
    if (precision.active()) at::autocast::set_autocast_dtype(kDevices[i], precision.type());
  }
  // Autocast's own cache would keep copies made without gradients (see State).
  at::autocast::set_autocast_cache_enabled(false);
  innermost = own_;
}

AutocastScope::~AutocastScope() {
  for (size_t i = 0; i < kDevices.size(); ++i) {
    at::autocast::set_autocast_enabled(kDevices[i], saved_[i].enabled);
    at::autocast::set_autocast_dtype(kDevices[i], saved_[i].type);
  }
  at::autocast::set_autocast_cache_enabled(saved_cache_enabled_);
  innermost = outer_;
}

MixedPrecision AutocastScope::current() {
  MixedPrecision result;
  if (innermost) result.state_ = std::static_pointer_cast<MixedPrecision::State>(innermost);
  return result;
}

at::Tensor cast_weight(const at::Tensor& weight) {
  if (!innermost) return weight;
  const MixedPrecision precision = AutocastScope::current();
  if (!precision.active() || weight.scalar_type() != at::kFloat) return weight;
  const at::ScalarType type = precision.type();
  // What is computed from weights is new in each call, and would only fill the memory.
  if (!weight.is_leaf() || !weight.requires_grad()) return weight.to(type);
  MixedPrecision::State& state = *precision.state_;
  const std::lock_guard lock(state.mutex);
  at::Tensor copy = find_copy(state.with_gradient, weight);
  if (copy.defined()) return copy;
  const bool gradient = at::GradMode::is_enabled();
  if (!gradient) copy = find_copy(state.without_gradient, weight);
  if (copy.defined()) return copy;
  copy = weight.to(type);
  MixedPrecision::State::Casts& casts = gradient ? state.with_gradient : state.without_gradient;
  casts[weight.unsafeGetTensorImpl()] = {weight, weight._version(), weight.const_data_ptr(), copy};
  return copy;
}

at::Tensor to_full(const at::Tensor& x) {
  return x.defined() && is_low(x.scalar_type()) ? x.to(at::kFloat) : x;
}

}  // namespace linformer
