#include "linformer/dist/parameter_shards.h"

#include <algorithm>
#include <numeric>

namespace linformer {

std::vector<int64_t> assign_owners(const std::vector<int64_t>& sizes, int64_t num_ranks) {
  std::vector<size_t> order(sizes.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return sizes[a] > sizes[b]; });
  std::vector<int64_t> load(static_cast<size_t>(num_ranks), 0);
  std::vector<int64_t> owners(sizes.size(), 0);
  for (const size_t i : order) {
    const auto least = std::min_element(load.begin(), load.end());
    owners[i] = least - load.begin();
    *least += sizes[i];
  }
  return owners;
}

ParameterShards::ParameterShards(ProcessGroup& group, std::vector<at::Tensor> parameters)
    : group_(&group), parameters_(std::move(parameters)) {
  std::vector<int64_t> sizes;
  for (const at::Tensor& parameter : parameters_) sizes.push_back(parameter.numel());
  owners_ = assign_owners(sizes, group.size());
}

void ParameterShards::share() const {
  for (int64_t rank = 0; rank < group_->size(); ++rank) {
    std::vector<at::Tensor> owned;
    for (size_t i = 0; i < parameters_.size(); ++i) {
      if (owners_[i] == rank) owned.push_back(parameters_[i]);
    }
    group_->broadcast(owned, rank);
  }
}

}  // namespace linformer
