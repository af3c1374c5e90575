#include "linformer/data/length_batches.h"

#include <algorithm>

namespace linformer {

std::vector<std::vector<size_t>> length_batches(std::span<const size_t> lengths,
                                                const BatchBounds& bounds) {
  std::vector<size_t> order;
  for (size_t i = 0; i < lengths.size(); ++i) {
    if (lengths[i] > 0) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return lengths[a] > lengths[b]; });
  std::vector<std::vector<size_t>> batches;
  size_t most = 0;  // rows of the current batch
  for (const size_t row : order) {
    if (batches.empty() || batches.back().size() == most) {
      // The first row is the longest of its batch.
      const auto fitting = static_cast<size_t>(bounds.max_positions) / lengths[row];
      most = std::clamp<size_t>(fitting, 1, static_cast<size_t>(bounds.max_rows));
      batches.emplace_back();
    }
    batches.back().push_back(row);
  }
  return batches;
}

}  // namespace linformer
