#include "fuzz/coverage.h"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace {

constexpr size_t kPlaces = size_t{1} << 16;

// How often each edge between two places of the code was taken in this run, and which orders of
// magnitude of that any run has seen. Threads may lose counts to each other, which does no harm.
std::array<uint8_t, kPlaces> counts{};
std::array<uint8_t, kPlaces> seen{};
thread_local size_t last_place = 0;

}  // namespace

// Called by instrumented code at each branch.
extern "C" __attribute__((no_sanitize("address", "undefined"))) void __sanitizer_cov_trace_pc() {
  const auto address = reinterpret_cast<uintptr_t>(__builtin_return_address(0));
  const size_t place = (address ^ (address >> 16)) % kPlaces;
  uint8_t& count = counts[(place ^ last_place) % kPlaces];
  if (count < 255) ++count;
  last_place = place >> 1;
}

namespace linformer {

bool take_new_coverage() {
  bool is_new = false;
  for (size_t i = 0; i < kPlaces; ++i) {
    if (counts[i] == 0) continue;
    const auto magnitude = static_cast<uint8_t>(std::bit_floor(counts[i]));
    is_new = is_new || (seen[i] & magnitude) == 0;
    seen[i] |= magnitude;
    counts[i] = 0;
  }
  last_place = 0;
  return is_new;
}

}  // namespace linformer
