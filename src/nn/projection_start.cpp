#include "projection_start.h"

#include <cmath>

#include <ATen/ATen.h>

namespace linformer {
namespace {

constexpr double kOfficialDeviation = 0.02;
constexpr double kNoiseShare = 0.1;

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

}  // namespace

at::Tensor start_structure(ProjectionInit init, int64_t k, int64_t n) {
  if (init == ProjectionInit::kBlockAverage) return block_average(k, n);
  if (init == ProjectionInit::kStrided) return strided(k, n);
  return {};
}

double start_stddev(ProjectionInit init, int64_t k) {
  if (init == ProjectionInit::kJl) return 1.0 / std::sqrt(static_cast<double>(k));
  return init == ProjectionInit::kNormal ? kOfficialDeviation : kOfficialDeviation * kNoiseShare;
}

}  // namespace linformer
