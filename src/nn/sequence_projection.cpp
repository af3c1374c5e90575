#include "linformer/nn/sequence_projection.h"

#include <numeric>

#include <ATen/ATen.h>

#include "linformer/kernels/mixed_precision.h"

namespace linformer {
namespace {

constexpr double kOfficialDeviation = 0.02;
constexpr double kNoiseShare = 0.1;  // of the official start, so that rows and heads differ

/// (k, n): row i is 1 / width on the columns of block i.
at::Tensor block_average(int64_t k, int64_t n) {
  at::Tensor matrix = at::zeros({k, n});
  for (int64_t i = 0; i < k; ++i) {
    const int64_t begin = i * n / k;
    const int64_t end = (i + 1) * n / k;
    matrix[i].narrow(0, begin, end - begin).fill_(1.0 / static_cast<double>(end - begin));
  }
  return matrix;
}

at::Tensor strided(int64_t k, int64_t n) {
  at::Tensor matrix = at::zeros({k, n});
  for (int64_t i = 0; i < k; ++i) matrix[i][(2 * i + 1) * n / (2 * k)] = 1.0;
  return matrix;
}

/// What the matrix (k, n) starts with beside its noise; undefined for pure noise.
at::Tensor structure_of(ProjectionInit init, int64_t k, int64_t n) {
  if (init == ProjectionInit::kBlockAverage) return block_average(k, n);
  if (init == ProjectionInit::kStrided) return strided(k, n);
  return {};
}

double noise_deviation(ProjectionInit init, int64_t k) {
  if (init == ProjectionInit::kJl) return 1.0 / std::sqrt(static_cast<double>(k));
  return init == ProjectionInit::kNormal ? kOfficialDeviation : kOfficialDeviation * kNoiseShare;
}

at::Tensor matrix_start(const ModelConfig& config, int64_t layer, const std::string& name,
                        const ParameterSet& parameters) {
  const ProjectionInit init = config.attention.init;
  const int64_t n = config.max_sequence_length;
  const std::vector<int64_t> lengths = config.projected_lengths(layer);
  if (lengths.size() > 1) {
    const int64_t rows = std::accumulate(lengths.begin(), lengths.end(), int64_t{0});
    at::Tensor unit = parameters.draw_normal(name, {rows, n}, 1.0);
    int64_t begin = 0;
    for (const int64_t k : lengths) {
      at::Tensor part = unit.narrow(0, begin, k).mul_(noise_deviation(init, k));
      if (const at::Tensor structure = structure_of(init, k, n); structure.defined()) {
        part.add_(structure);
      }
      begin += k;
    }
    return unit;
  }
  const int64_t k = lengths.front();
  std::vector<int64_t> shape{k, n};
  if (config.attention.sharing == SharingMode::kNone) {
    shape.insert(shape.begin(), config.num_attention_heads);
  }
  const at::Tensor noise = parameters.draw_normal(name, shape, noise_deviation(init, k));
  const at::Tensor structure = structure_of(init, k, n);
  return structure.defined() ? noise + structure : noise;
}

at::Tensor kernel_start(const ModelConfig& config, int64_t layer, const std::string& name,
                        const ParameterSet& parameters) {
  const ProjectionInit init = config.attention.init;
  const int64_t k = config.projected_lengths(layer).front();
  const int64_t width = config.max_sequence_length / k;
  const bool mixes = config.attention.convolution_mixing == ConvolutionMixing::kHead;
  const int64_t mixed = mixes ? config.head_size() : 1;
  const at::Tensor noise =
      parameters.draw_normal(name, {config.hidden_size, mixed, width}, noise_deviation(init, k));
  const at::Tensor taps = structure_of(init, 1, width);  // (1, w)
  if (!taps.defined()) return noise;
  // Channel c of a head looks at itself: the identity over the head's channels.
  const at::Tensor own = at::eye(mixed).repeat({config.hidden_size / mixed, 1});
  return noise + own.unsqueeze(-1) * taps;
}

}  // namespace

SequenceProjection make_sequence_projection(const ModelConfig& config, int64_t layer,
                                            const std::string& prefix, ParameterSet& parameters) {
  const AttentionConfig& attention = config.attention;
  SequenceProjection projection;
  projection.type = attention.projection;
  projection.rescale_padding = attention.rescale_padding;
  const auto add = [&](const std::string& name) {
    const auto start = attention.projection == ProjectionType::kConv ? kernel_start : matrix_start;
    at::Tensor parameter =
        parameters.add(name, ParameterKind::kProjection, start(config, layer, name, parameters));
    parameter.set_requires_grad(attention.train_projection);
    return parameter;
  };
  if (attention.projection != ProjectionType::kLinear &&
      attention.projection != ProjectionType::kConv) {
    return projection;
  }
  const SharingMode sharing = attention.sharing;
  const bool shared = sharing == SharingMode::kKeyValue || sharing == SharingMode::kLayerwise;
  projection.E = add(prefix + ".E");
  projection.F = shared ? projection.E : add(prefix + ".F");
  return projection;
}

at::Tensor project_sequence(const at::Tensor& projection, const at::Tensor& x) {
  const int64_t batch = x.size(0);
  const int64_t length = x.size(1);
  const at::Tensor matrix = cast_weight(projection).narrow(-1, 0, length);
  if (matrix.dim() == 2) return at::bmm(matrix.expand({batch, -1, -1}), x);
  const int64_t heads = matrix.size(0);
  const at::Tensor x_BHND = x.reshape({batch, length, heads, -1}).transpose(1, 2);
  const at::Tensor y_BHKD = at::matmul(matrix.unsqueeze(0), x_BHND);
  return y_BHKD.transpose(1, 2).reshape({batch, matrix.size(1), -1});
}

at::Tensor project_bias(const at::Tensor& projection, const at::Tensor& mask, int64_t length,
                        const at::Tensor& bias) {
  const int64_t heads = projection.dim() == 3 ? projection.size(0) : 1;
  const at::Tensor valid_BN =
      mask.defined() ? mask.to(bias.scalar_type()) : at::ones({1, length}, bias.options());
  const at::Tensor sums_BKH =
      project_sequence(projection, valid_BN.unsqueeze(-1).expand({-1, -1, heads}).contiguous());
  return (sums_BKH.unsqueeze(-1) * bias.reshape({heads, bias.size(0) / heads})).flatten(2);
}

at::Tensor rescale_rows(const at::Tensor& projection, const at::Tensor& mask, int64_t length,
                        const at::Tensor& projected) {
  const AutocastScope own_types{MixedPrecision()};  // norms are never in a low type
  const int64_t heads = projection.dim() == 3 ? projection.size(0) : 1;
  const at::Tensor valid_BN = mask.defined() ? mask.to(projection.scalar_type())
                                             : at::ones({1, length}, projection.options());
  const at::Tensor squares = projection * projection;
  const at::Tensor valid_BKH =
      project_sequence(squares, valid_BN.unsqueeze(-1).expand({-1, -1, heads}).contiguous());
  const at::Tensor all_KH = squares.sum(-1).view({heads, -1}).t();
  // No row of zeros under the root: its slope there is infinite.
  const at::Tensor empty = valid_BKH.eq(0.0);
  const at::Tensor scale_BKH =
      (all_KH / valid_BKH.masked_fill(empty, 1.0)).masked_fill(empty, 1.0).sqrt();
  const at::Tensor scale = scale_BKH.masked_fill(empty, 0.0).unsqueeze(-1);
  const auto shape = projected.sizes();
  return (projected.view({shape[0], shape[1], heads, -1}) * scale).flatten(2);
}

}  // namespace linformer
