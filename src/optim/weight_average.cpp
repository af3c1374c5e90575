#include "linformer/optim/weight_average.h"

#include <algorithm>

#include <ATen/ATen.h>

namespace linformer {

double average_decay_at(double decay, int64_t update) {
  const auto t = static_cast<double>(update);
  return std::min(decay, (1.0 + t) / (10.0 + t));
}

WeightAverage::WeightAverage(NamedWeights weights, double decay)
    : weights_(std::move(weights)), decay_(decay) {
  for (const auto& [name, weight] : weights_) {
    averages_.emplace_back(name, weight.detach().clone());
  }
}

void WeightAverage::update(int64_t update) {
  const at::NoGradGuard no_grad;
  const double share = 1.0 - average_decay_at(decay_, update);
  for (size_t i = 0; i < weights_.size(); ++i) {
    averages_[i].second.lerp_(weights_[i].second.detach(), share);
  }
}

void WeightAverage::restart() {
  const at::NoGradGuard no_grad;
  for (size_t i = 0; i < weights_.size(); ++i) {
    averages_[i].second.copy_(weights_[i].second.detach());
  }
}

void WeightAverage::swap() {
  for (size_t i = 0; i < weights_.size(); ++i) {
    const at::Tensor weight = weights_[i].second.detach();  // another handle to the same memory
    weights_[i].second.set_data(averages_[i].second);
    // set_data() keeps the version, but cast_weight() and others detect changes by it.
    weights_[i].second.unsafeGetTensorImpl()->bump_version();
    averages_[i].second = weight;
  }
}

}  // namespace linformer
