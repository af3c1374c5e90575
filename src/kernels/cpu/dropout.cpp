#include "linformer/kernels/dropout.h"

#include <algorithm>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "../saved_site.h"
#include "element_loops.h"
#include "kernels.h"

namespace linformer::cpu {
namespace {

constexpr int64_t kGrain = 1 << 15;

at::Tensor scale_kept(const at::Tensor& x, const DropoutSite& site, const at::Tensor& rows) {
  const DropoutHash hash = host_hash_of(site);
  at::Tensor output = at::empty_like(x);
  AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "dropout", [&] {
    const AttentionLoops<scalar_t>& loops = element_loops();
    const scalar_t* in = x.data_ptr<scalar_t>();
    scalar_t* out = output.data_ptr<scalar_t>();
    if (rows.defined()) {
      const int64_t width = x.size(1);
      const int64_t* number = rows.const_data_ptr<int64_t>();
      const int64_t grain = std::max<int64_t>(1, kGrain / std::max<int64_t>(1, width));
      at::parallel_for(0, x.size(0), grain, [&](int64_t begin, int64_t end) {
        for (int64_t r = begin; r < end; ++r) {
          hash.apply(in + r * width, out + r * width, static_cast<uint32_t>(number[r] * width),
                     width);
        }
      });
      return;
    }
    at::parallel_for(0, x.numel(), kGrain, [&](int64_t begin, int64_t end) {
      loops.dropout(in + begin, out + begin, hash, static_cast<uint32_t>(begin), end - begin);
    });
  });
  return output;
}

}  // namespace

const DropoutKernels dropout_kernels{scale_kept};

}  // namespace linformer::cpu
