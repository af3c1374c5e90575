#include "weight_product.h"

#include <optional>
#include <string_view>

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>

#include "../optional_tensor.h"
#include "kernels.h"
#include "packed_products.h"

namespace linformer::cpu {
namespace {

using Scalars = c10::List<std::optional<at::Scalar>>;
using LinearPointwise = at::Tensor(const at::Tensor& x, const at::Tensor& weight,
                                   const OptionalTensor& bias, std::string_view attribute,
                                   Scalars scalars, std::optional<std::string_view> algorithm);

/// LibTorch's operator of oneDNN's inner product. at::mm multiplies fp32 with BLAS only.
const std::optional<c10::OperatorHandle>& linear_pointwise() {
  static const std::optional<c10::OperatorHandle> handle =
      c10::Dispatcher::singleton().findSchema({"mkldnn::_linear_pointwise", ""});
  return handle;
}

}  // namespace

bool has_float_products(at::ScalarType type) {
  return type == at::kFloat && has_packed_products(at::kFloat) && linear_pointwise().has_value();
}

at::Tensor multiply_floats(const at::Tensor& a, const at::Tensor& b, const at::Tensor& bias) {
  static const auto multiply = linear_pointwise()->typed<LinearPointwise>();
  const at::NoGradGuard no_grad;
  return multiply.call(a, b, to_optional(bias), "none", Scalars(), std::nullopt);
}

at::Tensor multiply_as_layers_do(const at::Tensor& x, const at::Tensor& weight) {
  return has_float_products(x.scalar_type()) ? multiply_floats(x, weight) : at::mm(x, weight.t());
}

const ProductKernels product_kernels{has_float_products, multiply_floats};

}  // namespace linformer::cpu
