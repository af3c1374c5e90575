#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace linformer {

/// A setting that is one value for all (layers, heads) or a list with one value for each. In files
/// it is a plain value or a list; a list of one value means the same as the value.
template <class T>
class OneOrMany {
 public:
  /// From one value. It is implicit, so that a config reads `type = AttentionType::kStandard`.
  template <std::convertible_to<T> U>
  OneOrMany(const U& value) : values_{T(value)} {}
  explicit OneOrMany(std::vector<T> values) : values_(std::move(values)) {}

  /// The value for `index`; a list has to be long enough.
  const T& of(int64_t index) const {
    return values_.size() == 1 ? values_.front() : values_.at(static_cast<size_t>(index));
  }
  bool is_list() const { return values_.size() != 1; }
  const std::vector<T>& values() const { return values_; }

  bool all(const T& value) const {
    return std::all_of(values_.begin(), values_.end(), [&](const T& v) { return v == value; });
  }
  bool any(const T& value) const {
    return std::find(values_.begin(), values_.end(), value) != values_.end();
  }

  bool operator==(const OneOrMany&) const = default;

 private:
  std::vector<T> values_;
};

/// Whole numbers per layer; each may be a list with one number per head.
using NestedNumbers = OneOrMany<OneOrMany<int64_t>>;

}  // namespace linformer
