#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace linformer {

/// Groups of distances by powers of two: group i has the distances from 2^i to 2^(i + 1) - 1.
/// `distance` is at least 1.
size_t distance_group(int64_t distance);

/// "1", "2-3", "4-7", ...
std::string distance_group_name(size_t group);

/// The group of what has no distance, since it stands nowhere else.
inline constexpr const char* kNotSeenElsewhere = "not seen elsewhere";

}  // namespace linformer
