#include <ATen/ATen.h>

#include "projection_start.h"

#include "linformer/config/projection_rules.h"
#include "linformer/nn/sequence_pooling.h"
#include "linformer/nn/sequence_projection.h"

namespace linformer {
namespace {

/// Learned kernels, (C, 1, n/k), or (C, D, n/k) where the channels of a head mix.
class ConvProjection : public SequenceProjection {
 public:
  /// A kernel that mixes channels starts with the structure on each channel's own taps only.
  at::Tensor start(const ModelConfig& config, int64_t layer, const std::string& name,
                   const ParameterSet& parameters) const override {
    const ProjectionInit init = config.attention.init;
    const std::vector<int64_t> shape = projection_rules(ProjectionType::kConv).shape(config, layer);
    const int64_t k = config.projected_lengths(layer).front();
    const at::Tensor noise = parameters.draw_normal(name, shape, start_stddev(init, k));
    const at::Tensor taps = start_structure(init, 1, shape[2]);  // (1, w)
    if (!taps.defined()) return noise;
    const int64_t mixed = shape[1];
    // Channel c of a head starts with input channel c alone: the identity over the head's channels.
    const at::Tensor own = at::eye(mixed).repeat({config.hidden_size / mixed, 1});
    return noise + own.unsqueeze(-1) * taps;
  }

  KeyValue project(const ProjectionInput& input) const override {
    return project_in_order(input, [&](const at::Tensor& rows, const at::Tensor& weight) {
      return convolve_sequence(rows, weight, input.k);
    });
  }
};

}  // namespace

const SequenceProjection& conv_projection() {
  static const ConvProjection projection;
  return projection;
}

}  // namespace linformer
