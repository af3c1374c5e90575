#include "../saved_site.h"
#include "device_memory.h"
#include "kernels.h"
#include "residual_norm.h"

namespace linformer::cuda {
namespace {

const int64_t* site_rows(const at::Tensor& rows) {
  return rows.defined() ? rows.const_data_ptr<int64_t>() : nullptr;
}

NormResult forward(const NormInputs& in, const NormOptions& options) {
  const at::TensorOptions full = compute_options(in.x);
  const int64_t rows = in.x.size(0);
  const at::ScalarType norm_type =
      options.low_norm ? *options.low_norm : c10::typeMetaToScalarType(full.dtype());
  NormResult out{at::empty(in.x.sizes(), full), at::empty(in.x.sizes(), full.dtype(norm_type)),
                 at::empty({rows}, full), at::empty({rows}, full)};
  const at::Tensor bias = contiguous(in.bias);
  const at::Tensor weight = contiguous(in.weight);
  const at::Tensor shift = contiguous(in.shift);
  ResidualNormArguments arguments;
  arguments.x_type = element_type(in.x);
  arguments.norm_type = element_type(out.normalized);
  arguments.rows = rows;
  arguments.width = in.x.size(1);
  arguments.epsilon = options.epsilon;
  arguments.centred = in.shift.defined();
  arguments.hash = hash_of(options.dropout);
  arguments.site_rows = site_rows(in.rows);
  arguments.x = read_only(in.x);
  arguments.bias = read_only(bias);
  arguments.residual = read_only(in.residual);
  arguments.weight = read_only(weight);
  arguments.shift = read_only(shift);
  arguments.sum = out.sum.data_ptr();
  arguments.normalized = out.normalized.data_ptr();
  arguments.mean = out.mean.data_ptr();
  arguments.inverse_stddev = out.inverse_stddev.data_ptr();
  launch_on(in.x, residual_norm_forward, arguments);
  return out;
}

NormGradients backward(const NormBackwardInputs& in) {
  const int64_t rows = in.sum.size(0);
  const int64_t width = in.sum.size(1);
  const DropoutHash hash = hash_of(in.dropout);
  NormGradients out;
  out.residual = at::empty_like(in.sum);
  const bool own_x = hash.active() || in.x_type != in.sum.scalar_type();
  out.x = own_x ? at::empty(in.sum.sizes(), in.sum.options().dtype(in.x_type)) : out.residual;
  const at::Tensor sums = rows == 0
                              ? at::zeros({1, 3, width}, in.sum.options())
                              : at::empty({row_strips(rows, width), 3, width}, in.sum.options());
  const at::Tensor weight = contiguous(in.weight);
  ResidualNormArguments arguments;
  arguments.x_type = element_type(out.x);
  arguments.norm_type = element_type(in.grad_normalized.defined() ? in.grad_normalized : in.sum);
  arguments.rows = rows;
  arguments.width = width;
  arguments.centred = in.centred;
  arguments.hash = hash;
  arguments.site_rows = site_rows(in.rows);
  arguments.weight = read_only(weight);
  arguments.sum = in.sum.data_ptr();
  arguments.mean = in.mean.data_ptr();
  arguments.inverse_stddev = in.inverse_stddev.data_ptr();
  arguments.grad_sum = read_only(in.grad_sum);
  arguments.grad_normalized = read_only(in.grad_normalized);
  arguments.grad_residual = out.residual.data_ptr();
  arguments.grad_x = own_x ? out.x.data_ptr() : nullptr;
  arguments.column_sums = sums.data_ptr();
  launch_on(in.sum, residual_norm_backward, arguments);
  const at::Tensor total = sums.sum(0);
  out.weight = total[0];
  out.shift = total[1];
  out.bias = total[2];
  return out;
}

}  // namespace

const NormKernels norm_kernels{forward, backward, /*takes_low=*/true};

}  // namespace linformer::cuda
