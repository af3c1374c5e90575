#include <ATen/ATen.h>

#include "linformer/nn/sequence_pooling.h"
#include "linformer/nn/sequence_projection.h"

namespace linformer {
namespace {

class MeanPoolProjection : public SequenceProjection {
 public:
  KeyValue project(const ProjectionInput& input) const override {
    const int64_t window = input.max_length / input.k;
    const at::Tensor means =
        mean_pool_sequence(pad_rows(input.x, input.tokens), input.tokens.mask, input.k, window);
    if (input.order == ProjectionOrder::kSequenceFirst) {
      return {apply(means, input.key), apply(means, input.value)};
    }
    // The mean of x W + b over a window's tokens is (mean of x) W + b; an empty window gives 0.
    const at::Tensor filled =
        windows_with_tokens(input.tokens.mask, input.tokens.num_sequences(), input.length(),
                            input.k, window, input.x.options());
    const auto features = [&](const Linear& linear) {
      return multiply(means, linear) + filled * linear.bias;
    };
    return {features(input.key), features(input.value)};
  }
};

}  // namespace

const SequenceProjection& mean_pool_projection() {
  static const MeanPoolProjection projection;
  return projection;
}

}  // namespace linformer
