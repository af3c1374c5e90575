#include "linformer/nn/sequence_projection.h"

#include <stdexcept>

#include <ATen/ATen.h>

#include "linformer/config/projection_rules.h"
#include "linformer/nn/resample.h"

namespace linformer {

at::Tensor SequenceProjection::start(const ModelConfig&, int64_t, const std::string& name,
                                     const ParameterSet&) const {
  throw std::logic_error(name + ": this kind of projection has no start");
}

at::Tensor SequenceProjection::interpolated(const at::Tensor& weight, int64_t n,
                                            int64_t longer) const {
  const double share = static_cast<double>(n) / static_cast<double>(longer);
  return stretch_last_dimension(weight, weight.size(-1) * longer / n) * share;
}

at::Tensor SequenceProjection::tiled(const at::Tensor& weight, int64_t, int64_t) const {
  return weight;
}

KeyValue SequenceProjection::project_in_order(const ProjectionInput& input,
                                              const ProjectRows& project) {
  const ProjectionWeights& weights = input.weights;
  if (input.order == ProjectionOrder::kSequenceFirst) {
    const at::Tensor x = pad_rows(input.x, input.tokens);
    const at::Tensor mixed = project(x, weights.E);
    const at::Tensor mixed_values = weights.shared_key_value() ? mixed : project(x, weights.F);
    return {apply(mixed, input.key), apply(mixed_values, input.value)};
  }
  const at::Tensor key = apply(input.x, input.key);
  const at::Tensor value =
      input.full_value.defined() ? input.full_value : apply(input.x, input.value);
  return {project(pad_rows(key, input.tokens), weights.E),
          project(pad_rows(value, input.tokens), weights.F)};
}

ProjectionWeights make_projection_weights(const ModelConfig& config, int64_t layer,
                                          const std::string& prefix, ParameterSet& parameters) {
  const AttentionConfig& attention = config.attention;
  if (projection_rules(attention.projection).shape(config, layer).empty()) return {};
  const SequenceProjection& projection = sequence_projection(attention.projection);
  const auto add = [&](const std::string& name) {
    at::Tensor parameter = parameters.add(name, ParameterKind::kProjection,
                                          projection.start(config, layer, name, parameters));
    parameter.set_requires_grad(attention.train_projection);
    return parameter;
  };
  const SharingMode sharing = attention.sharing;
  const bool shared = sharing == SharingMode::kKeyValue || sharing == SharingMode::kLayerwise;
  ProjectionWeights weights;
  weights.E = add(prefix + ".E");
  weights.F = shared ? weights.E : add(prefix + ".F");
  return weights;
}

}  // namespace linformer
