#include "linformer/nn/sequence_projection.h"

#include <ATen/ATen.h>

namespace linformer {
namespace {

constexpr double kOfficialDeviation = 0.02;
constexpr double kNoiseShare = 0.1;  // of the official start, so that rows and heads differ

/// (k, n): row i is `block` (1 / width) on the columns of block i.
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

at::Tensor add_matrix(const ModelConfig& config, const std::string& name,
                      ParameterSet& parameters) {
  const int64_t k = config.attention.projected_length;
  const int64_t n = config.max_sequence_length;
  std::vector<int64_t> shape{k, n};
  if (config.attention.sharing == SharingMode::kNone) {
    shape.insert(shape.begin(), config.num_attention_heads);
  }
  at::Tensor matrix;
  switch (config.attention.init) {
    case ProjectionInit::kNormal:
      matrix = parameters.draw_normal(name, shape, kOfficialDeviation);
      break;
    case ProjectionInit::kBlockAverage:
      matrix = parameters.draw_normal(name, shape, kOfficialDeviation * kNoiseShare) +
               block_average(k, n);
      break;
    case ProjectionInit::kStrided:
      matrix =
          parameters.draw_normal(name, shape, kOfficialDeviation * kNoiseShare) + strided(k, n);
      break;
    case ProjectionInit::kJl:
      matrix = parameters.draw_normal(name, shape, 1.0 / std::sqrt(static_cast<double>(k)));
      break;
  }
  at::Tensor parameter = parameters.add(name, ParameterKind::kProjection, matrix);
  parameter.set_requires_grad(config.attention.train_projection);
  return parameter;
}

}  // namespace

SequenceProjection make_sequence_projection(const ModelConfig& config, const std::string& prefix,
                                            ParameterSet& parameters) {
  SequenceProjection projection;
  projection.E = add_matrix(config, prefix + ".E", parameters);
  const SharingMode sharing = config.attention.sharing;
  const bool shared = sharing == SharingMode::kKeyValue || sharing == SharingMode::kLayerwise;
  projection.F = shared ? projection.E : add_matrix(config, prefix + ".F", parameters);
  return projection;
}

at::Tensor project_sequence(const at::Tensor& projection, const at::Tensor& x) {
  const int64_t batch = x.size(0);
  const int64_t length = x.size(1);
  const at::Tensor matrix = projection.narrow(-1, 0, length);
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

}  // namespace linformer
