#include "linformer/kernels/dropout.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include "composed.h"
#include "dropout_hash.h"
#ifdef LINFORMER_WITH_CUDA
#include "cuda/dropout.h"
#endif

#include "linformer/kernels/mixed_precision.h"

namespace linformer {
namespace {

constexpr int64_t kGrain = 1 << 15;

at::Tensor scale_kept(const at::Tensor& input, const DropoutSite& site) {
  const DropoutHash hash(site.probability, site.key);
  const at::Tensor source = input.contiguous();
#ifdef LINFORMER_WITH_CUDA
  if (source.is_cuda()) return cuda::scale_kept(source, hash);
#endif
  if (takes_composed_path(source)) {
    return source * composed_dropout_scale(source.sizes(), source.options(), site);
  }
  at::Tensor output = at::empty_like(source);
  AT_DISPATCH_FLOATING_TYPES(source.scalar_type(), "dropout", [&] {
    const scalar_t* in = source.data_ptr<scalar_t>();
    scalar_t* out = output.data_ptr<scalar_t>();
    at::parallel_for(0, source.numel(), kGrain, [&](int64_t begin, int64_t end) {
      hash.apply(in + begin, out + begin, static_cast<uint32_t>(begin), end - begin);
    });
  });
  return output;
}

class DropoutFunction : public torch::autograd::Function<DropoutFunction> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* ctx, const at::Tensor& input,
                            double probability, int64_t key) {
    ctx->saved_data["probability"] = probability;
    ctx->saved_data["key"] = key;
    return scale_kept(input, {probability, static_cast<uint64_t>(key)});
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                 const torch::autograd::variable_list& grads) {
    const DropoutSite site{ctx->saved_data["probability"].toDouble(),
                           static_cast<uint64_t>(ctx->saved_data["key"].toInt())};
    return {scale_kept(grads[0], site), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor dropout(const at::Tensor& input, const DropoutSite& site) {
  if (site.probability == 0.0) return input;
  const at::Tensor x = to_full(input);
  return DropoutFunction::apply(x, site.probability, static_cast<int64_t>(site.key));
}

at::Tensor dropout_scale(at::IntArrayRef sizes, at::ScalarType dtype, const DropoutSite& site) {
  return scale_kept(at::ones(sizes, at::TensorOptions().dtype(dtype)), site);
}

}  // namespace linformer
