#pragma once

#include <cmath>
#include <cstdint>

#include "host_device.h"

namespace linformer {

/// log sum exp of some numbers, put together from parts: the largest number, its place, and the sum
/// of exp(number - largest). Without numbers, the place is kNoPlace.
template <class C>
struct LogSum {
  static constexpr int64_t kNoPlace = INT64_MAX;

  C largest = -INFINITY;
  C sum = 0;
  int64_t place = kNoPlace;

  LINFORMER_HOST_DEVICE static LogSum of(C number, int64_t place) { return {number, C(1), place}; }

  /// NaN if a number is NaN.
  LINFORMER_HOST_DEVICE C value() const { return largest + std::log(sum); }
};

/// The numbers of both. Of equal largest ones, the first place counts. The order of the arguments
/// changes the sum in its last bits only.
template <class C>
LINFORMER_HOST_DEVICE inline LogSum<C> joined(const LogSum<C>& a, const LogSum<C>& b) {
  const bool b_leads = b.largest > a.largest || (b.largest == a.largest && b.place < a.place);
  const LogSum<C>& first = b_leads ? b : a;
  const LogSum<C>& second = b_leads ? a : b;
  if (second.sum == C(0)) return first;
  const C factor =
      second.largest == first.largest ? C(1) : std::exp(second.largest - first.largest);
  return {first.largest, first.sum + second.sum * factor, first.place};
}

}  // namespace linformer
