#include "linformer/core/random.h"

#include <cassert>
#include <cmath>
#include <numbers>

namespace linformer {

namespace {

constexpr uint64_t kGolden = 0x9E3779B97F4A7C15ULL;  // 2^64 / golden ratio, SplitMix64's step

}  // namespace

uint64_t mix64(uint64_t value) {
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9ULL;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EBULL;
  return value ^ (value >> 31);
}

uint64_t stream_key(RandomPurpose purpose, std::initializer_list<uint64_t> keys) {
  // The number of keys is mixed in too, so that {1} and {1, 0} differ.
  uint64_t key = mix64((static_cast<uint64_t>(purpose) << 32 | keys.size()) + kGolden);
  for (const uint64_t part : keys) key = mix64((key ^ mix64(part + kGolden)) + kGolden);
  return key;
}

std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t product0 = uint64_t{0xD2511F53U} * counter[0];
    const uint64_t product1 = uint64_t{0xCD9E8D57U} * counter[2];
    counter = {static_cast<uint32_t>(product1 >> 32) ^ counter[1] ^ key[0],
               static_cast<uint32_t>(product1),
               static_cast<uint32_t>(product0 >> 32) ^ counter[3] ^ key[1],
               static_cast<uint32_t>(product0)};
    key[0] += 0x9E3779B9U;
    key[1] += 0xBB67AE85U;
  }
  return counter;
}

uint32_t RandomStream::next_u32() {
  if (used_ == 4) {
    block_ =
        philox4x32({static_cast<uint32_t>(counter_), static_cast<uint32_t>(counter_ >> 32), 0, 0},
                   {static_cast<uint32_t>(key_), static_cast<uint32_t>(key_ >> 32)});
    ++counter_;
    used_ = 0;
  }
  return block_[static_cast<size_t>(used_++)];
}

uint64_t RandomStream::next_u64() {
  const uint64_t low = next_u32();
  return low | static_cast<uint64_t>(next_u32()) << 32;
}

double RandomStream::uniform() {
  return static_cast<double>(next_u64() >> 11) * 0x1p-53;
}

uint64_t RandomStream::below(uint64_t bound) {
  assert(bound > 0);
  // Lemire 2019 (arXiv 1805.10941): the high half of a product; the few low halves that would
  // favour some results are rejected.
  if (bound <= uint64_t{1} << 32) {
    uint64_t product = next_u32() * bound;
    if (static_cast<uint32_t>(product) < bound) {
      const uint64_t threshold = (uint64_t{1} << 32) % bound;
      while (static_cast<uint32_t>(product) < threshold) product = next_u32() * bound;
    }
    return product >> 32;
  }
  auto product = static_cast<unsigned __int128>(next_u64()) * bound;
  if (static_cast<uint64_t>(product) < bound) {
    const uint64_t threshold = (0 - bound) % bound;  // 2^64 mod bound
    while (static_cast<uint64_t>(product) < threshold)
      product = static_cast<unsigned __int128>(next_u64()) * bound;
  }
  return static_cast<uint64_t>(product >> 64);
}

double RandomStream::normal() {
  if (has_spare_normal_) {
    has_spare_normal_ = false;
    return spare_normal_;
  }
  const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));  // 1 - u is never 0
  const double angle = 2.0 * std::numbers::pi * uniform();
  spare_normal_ = radius * std::sin(angle);
  has_spare_normal_ = true;
  return radius * std::cos(angle);
}

}  // namespace linformer
