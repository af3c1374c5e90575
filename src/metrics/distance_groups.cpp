#include "linformer/metrics/distance_groups.h"

#include <bit>

namespace linformer {

size_t distance_group(int64_t distance) {
  return static_cast<size_t>(std::bit_width(static_cast<uint64_t>(distance))) - 1;
}

std::string distance_group_name(size_t group) {
  const int64_t first = int64_t{1} << group;
  return group == 0 ? "1" : std::to_string(first) + "-" + std::to_string(2 * first - 1);
}

}  // namespace linformer
