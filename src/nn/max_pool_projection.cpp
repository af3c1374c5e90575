#include "linformer/nn/sequence_pooling.h"
#include "linformer/nn/sequence_projection.h"

namespace linformer {
namespace {

class MaxPoolProjection : public SequenceProjection {
 public:
  KeyValue project(const ProjectionInput& input) const override {
    return project_in_order(input, [&](const at::Tensor& rows, const at::Tensor&) {
      return max_pool_sequence(rows, input.tokens.mask, input.k, input.max_length / input.k);
    });
  }
};

}  // namespace

const SequenceProjection& max_pool_projection() {
  static const MaxPoolProjection projection;
  return projection;
}

}  // namespace linformer
