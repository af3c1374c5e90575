#include <vector>

#include <ATen/ATen.h>

#include "matrix_projection.h"
#include "projection_start.h"

#include "linformer/config/projection_rules.h"
#include "linformer/nn/resample.h"

namespace linformer {
namespace {

/// Learned matrices: (k, n); with one pair per head (sharing none) (H, k, n); or, where k differs
/// between heads, (k_0 + k_1 + ..., n), head after head.
class LinearProjection : public MatrixProjection {
 public:
  at::Tensor start(const ModelConfig& config, int64_t layer, const std::string& name,
                   const ParameterSet& parameters) const override {
    const ProjectionInit init = config.attention.init;
    const int64_t n = config.max_sequence_length;
    const std::vector<int64_t> shape =
        projection_rules(ProjectionType::kLinear).shape(config, layer);
    const std::vector<int64_t> lengths = config.projected_lengths(layer);
    if (lengths.size() == 1) {
      const int64_t k = lengths.front();
      const at::Tensor noise = parameters.draw_normal(name, shape, start_stddev(init, k));
      const at::Tensor structure = start_structure(init, k, n);
      return structure.defined() ? noise + structure : noise;
    }
    at::Tensor unit = parameters.draw_normal(name, shape, 1.0);
    int64_t begin = 0;
    for (const int64_t k : lengths) {
      at::Tensor part = unit.narrow(0, begin, k).mul_(start_stddev(init, k));
      if (const at::Tensor structure = start_structure(init, k, n); structure.defined()) {
        part.add_(structure);
      }
      begin += k;
    }
    return unit;
  }

  at::Tensor tiled(const at::Tensor& weight, int64_t, int64_t longer) const override {
    return tile_last_dimension(weight, longer);
  }
};

}  // namespace

const SequenceProjection& linear_projection() {
  static const LinearProjection projection;
  return projection;
}

}  // namespace linformer
