#include "linformer/kernels/int8_scope.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <utility>

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/cpu/Utils.h>
#include <ATen/native/quantized/PackedParams.h>

#include "int8_product.h"
#include "optional_tensor.h"

#include "linformer/core/error.h"

namespace linformer {
namespace {

using PackedWeight = c10::intrusive_ptr<LinearPackedParamsBase>;
using Prepack = PackedWeight(at::Tensor weight, OptionalTensor bias);
using LinearDynamic = at::Tensor(at::Tensor x, const PackedWeight& weight, bool reduce_range);

/// The fastest first (docs/prediction.md).
constexpr std::array kEngines{at::QEngine::ONEDNN, at::QEngine::X86, at::QEngine::FBGEMM};

PackedWeight pack(const at::Tensor& quantized, const at::Tensor& bias) {
  static const auto prepack = c10::Dispatcher::singleton()
                                  .findSchemaOrThrow("quantized::linear_prepack", "")
                                  .typed<Prepack>();
  return prepack.call(quantized, to_optional(bias));
}

at::Tensor multiply(const at::Tensor& x, const PackedWeight& weight) {
  static const auto linear = c10::Dispatcher::singleton()
                                 .findSchemaOrThrow("quantized::linear_dynamic", "")
                                 .typed<LinearDynamic>();
  // Without these instructions, sums of two products are kept in 16 bits, which 8 times 8 bits
  // could overflow. The input then gets 7 bits.
  static const bool reduce_range = !at::cpu::is_avx512_vnni_supported();
  return linear.call(x, weight, reduce_range);
}

/// LibTorch warns that its tensors of quantised numbers will be removed one day (docs/libtorch.md).
/// Users cannot do anything about that.
class Silence : public c10::WarningHandler {
 public:
  void process(const c10::Warning& /*warning*/) override {}
};

/// A copy of a weight (N, K) in [-127, 127], with a scale for each row. Null if a number is not
/// finite.
PackedWeight quantize(const at::Tensor& weight, const at::Tensor& bias) {
  constexpr double kLargest = 127.0;
  const at::Tensor values = weight.detach().contiguous();
  const at::Tensor largest = values.abs().amax(1);
  if (!largest.isfinite().all().item<bool>()) return {};
  // A row of zeros takes any scale.
  const at::Tensor scales = at::where(largest > 0, largest, kLargest).to(at::kDouble) / kLargest;
  Silence silence;
  const c10::WarningUtils::WarningHandlerGuard guard(&silence);
  const at::Tensor quantized = at::quantize_per_channel(
      values, scales, at::zeros(scales.sizes(), at::kLong), /*axis=*/0, at::kQInt8);
  return pack(quantized, bias.defined() ? bias.detach() : bias);
}

int64_t version_of(const at::Tensor& tensor) {
  return tensor.defined() ? tensor._version() : 0;
}

const void* memory_of(const at::Tensor& tensor) {
  return tensor.defined() ? tensor.const_data_ptr() : nullptr;
}

thread_local Int8Weights* innermost = nullptr;

}  // namespace

/// The copies of a scope.
class Int8Weights {
 public:
  /// Becomes the innermost one of this thread.
  explicit Int8Weights(at::QEngine engine)
      : outer_engine_(at::globalContext().qEngine()), outer_(std::exchange(innermost, this)) {
    at::globalContext().setQEngine(engine);  // linear_prepack asks for it
  }
  ~Int8Weights() {
    innermost = outer_;
    at::globalContext().setQEngine(outer_engine_);
  }
  Int8Weights(const Int8Weights&) = delete;
  Int8Weights& operator=(const Int8Weights&) = delete;

  /// Null: the product stays in fp32.
  const PackedWeight& copy_of(const at::Tensor& weight, const at::Tensor& bias) {
    const std::array versions{version_of(weight), version_of(bias)};
    const std::array memory{memory_of(weight), memory_of(bias)};
    Copy& copy = copies_[{weight.unsafeGetTensorImpl(), bias.unsafeGetTensorImpl()}];
    if (!copy.weight.defined() || copy.versions != versions || copy.memory != memory) {
      copy = {weight, bias, versions, memory, quantize(weight, bias)};
    }
    return copy.packed;
  }

 private:
  struct Copy {
    at::Tensor weight;  // kept with the bias, so that their addresses are not reused
    at::Tensor bias;
    std::array<int64_t, 2> versions{};    // a changed version or, after set_data(), other memory
    std::array<const void*, 2> memory{};  // make the copy an old one
    PackedWeight packed;                  // null: the weight is not finite
  };
  using Key = std::pair<const c10::TensorImpl*, const c10::TensorImpl*>;

  std::map<Key, Copy> copies_;
  at::QEngine outer_engine_;
  Int8Weights* outer_;
};

Int8Scope::Int8Scope()
    : weights_(
          std::make_unique<Int8Weights>(choose_int8_engine(at::Context::supportedQEngines()))) {}

Int8Scope::~Int8Scope() = default;

bool Int8Scope::active() {
  return innermost != nullptr;
}

std::optional<at::Tensor> int8_product(const at::Tensor& x, const at::Tensor& weight,
                                       const at::Tensor& bias) {
  if (innermost == nullptr) return std::nullopt;
  TORCH_CHECK(!at::GradMode::is_enabled(), "products in int8 have no gradients");
  // Only parameters have gradients. What is computed from them is new in each call.
  const bool fits = x.is_cpu() && x.scalar_type() == at::kFloat &&
                    weight.scalar_type() == at::kFloat && weight.requires_grad() && x.numel() > 0;
  // A range that is not finite has no scale, and NaN must not become a number.
  if (!fits || !std::isfinite(x.sum().item<float>())) return std::nullopt;
  const PackedWeight& packed = innermost->copy_of(weight, bias);
  if (!packed) return std::nullopt;
  return multiply(x, packed);
}

at::QEngine choose_int8_engine(std::span<const at::QEngine> engines) {
  const auto found = std::find_if(kEngines.begin(), kEngines.end(), [&](at::QEngine engine) {
    return std::find(engines.begin(), engines.end(), engine) != engines.end();
  });
  if (found == kEngines.end()) {
    fail_usage("--precision", "LibTorch has no int8 products for this CPU",
               "use --precision fp32 or bf16");
  }
  return *found;
}

}  // namespace linformer
