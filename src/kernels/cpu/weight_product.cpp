#include "weight_product.h"

#include <algorithm>
#include <bit>
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

constexpr int64_t kBlock = 64;
constexpr int64_t kSmallestBlock = 8;

int64_t whole_blocks(const at::Tensor& x) {
  return x.size(0) - x.size(0) % kBlock;
}

/// The rows of x (rows, n) behind its whole blocks, as a block of 8, 16, 32 or 64 rows.
at::Tensor last_block(const at::Tensor& x) {
  const int64_t rest = x.size(0) % kBlock;
  const auto rows = static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(rest)));
  at::Tensor block = at::zeros({std::max(kSmallestBlock, rows), x.size(1)}, x.options());
  block.narrow(0, 0, rest).copy_(x.slice(0, whole_blocks(x)));
  return block;
}

at::Tensor multiply_block(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  return bias.defined() ? at::addmm(bias, x, weight.t()) : at::mm(x, weight.t());
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

at::Tensor multiply_low(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  const int64_t whole = whole_blocks(x);
  if (whole == x.size(0)) return multiply_block(x, weight, bias);
  const int64_t rest = x.size(0) - whole;
  const at::Tensor last = multiply_block(last_block(x), weight, bias).narrow(0, 0, rest);
  if (whole == 0) return last.clone();
  at::Tensor product = at::empty({x.size(0), weight.size(0)}, x.options());
  at::Tensor head = product.narrow(0, 0, whole);
  if (bias.defined()) {
    at::addmm_out(head, bias, x.narrow(0, 0, whole), weight.t());
  } else {
    at::mm_out(head, x.narrow(0, 0, whole), weight.t());
  }
  product.narrow(0, whole, rest).copy_(last);
  return product;
}

at::Tensor multiply_low_over_rows(const at::Tensor& a, const at::Tensor& b) {
  const int64_t whole = whole_blocks(a);
  if (whole == a.size(0)) return at::mm(a.t(), b);
  if (whole == 0) return at::mm(last_block(a).t(), last_block(b));
  return at::mm(a.narrow(0, 0, whole).t(), b.narrow(0, 0, whole))
      .addmm_(last_block(a).t(), last_block(b));
}

at::Tensor multiply_as_layers_do(const at::Tensor& x, const at::Tensor& weight) {
  return has_float_products(x.scalar_type()) ? multiply_floats(x, weight) : at::mm(x, weight.t());
}

namespace {

bool outruns_libtorch(at::ScalarType type) {
  return has_float_products(type) || (type == at::kBFloat16 && has_packed_products(type));
}

at::Tensor multiply(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  const at::NoGradGuard no_grad;
  return x.scalar_type() == at::kFloat ? multiply_floats(x, weight, bias)
                                       : multiply_low(x, weight, bias);
}

at::Tensor multiply_over_rows(const at::Tensor& a, const at::Tensor& b) {
  const at::NoGradGuard no_grad;
  return a.scalar_type() == at::kFloat ? multiply_floats(a.t(), b.t())
                                       : multiply_low_over_rows(a, b);
}

}  // namespace

const ProductKernels product_kernels{outruns_libtorch, multiply, multiply_over_rows};

}  // namespace linformer::cpu
