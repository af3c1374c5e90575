#include <vector>

#include <ATen/ATen.h>

#include "matrix_projection.h"

#include "linformer/config/projection_rules.h"
#include "linformer/core/error.h"
#include "linformer/nn/sequence_projection.h"

namespace linformer {
namespace {

/// Matrices (H, k, n) that start as selections of positions. With the stride s = n / k, row i of
/// head h in layer l is 1 at position i s + (h + l) mod s and 0 elsewhere, so s heads, or s layers,
/// see every token. With train_projection: false they stay fixed; otherwise they learn like any
/// matrix.
class StridedProjection : public MatrixProjection {
 public:
  at::Tensor start(const ModelConfig& config, int64_t layer, const std::string&,
                   const ParameterSet&) const override {
    const std::vector<int64_t> shape =
        projection_rules(ProjectionType::kStrided).shape(config, layer);
    const int64_t stride = shape[2] / shape[1];
    at::Tensor matrices = at::zeros(shape);
    for (int64_t head = 0; head < shape[0]; ++head) {
      const int64_t first = (head + layer) % stride;
      for (int64_t i = 0; i < shape[1]; ++i) matrices[head][i][i * stride + first] = 1.0;
    }
    return matrices;
  }

  at::Tensor interpolated(const at::Tensor&, int64_t, int64_t) const override {
    fail_usage("--method", "interpolate would blur the positions that projection strided picks",
               "use --method tile: the stride stays and k grows with n");
  }

  /// Repeats the matrix for each further n positions, so that k grows with n.
  at::Tensor tiled(const at::Tensor& weight, int64_t n, int64_t longer) const override {
    const int64_t times = longer / n;
    const int64_t k = weight.size(1);
    at::Tensor matrices = at::zeros({weight.size(0), k * times, longer}, weight.options());
    for (int64_t i = 0; i < times; ++i) {
      matrices.narrow(1, i * k, k).narrow(2, i * n, n).copy_(weight);
    }
    return matrices;
  }
};

}  // namespace

const SequenceProjection& strided_projection() {
  static const StridedProjection projection;
  return projection;
}

}  // namespace linformer
