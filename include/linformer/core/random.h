#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>

namespace linformer {

/// The purpose of a random stream. Streams of different purposes never overlap. The numbers must
/// not be changed: the meaning of files depends on them (same seed, same order, same masks).
enum class RandomPurpose : uint32_t {
  kDataOrder = 1,
  kMasking = 2,
  kParameters = 3,
  kDropout = 4,
  kSampleCorpus = 5,
  kValidationMasking = 6,
  kCorpus = 7,
  kBootstrap = 8,
  kLengthGroups = 9,
  kHeldOut = 10,
  kRecall = 11,
  kRandomProjection = 12,
  kTest = 99,
};

/// Mixes 64 bits (the finaliser of SplitMix64: Steele, Lea, Flood 2014).
uint64_t mix64(uint64_t value);

/// Folds a purpose and any number of keys (seed, epoch, sample, ...) into one 64-bit key.
uint64_t stream_key(RandomPurpose purpose, std::initializer_list<uint64_t> keys);

/// A random stream that is a pure function of its key: Philox4x32-10 (Salmon et al., SC 2011) in
/// counter mode. It has no global state, so the order of use, threads and processes do not matter.
class RandomStream {
 public:
  explicit RandomStream(uint64_t key) : key_(key) {}
  RandomStream(RandomPurpose purpose, std::initializer_list<uint64_t> keys)
      : RandomStream(stream_key(purpose, keys)) {}

  uint32_t next_u32();
  uint64_t next_u64();
  /// Uniform in [0, 1) with 53 random bits.
  double uniform();
  /// Uniform in {0, ..., bound - 1} without bias; bound > 0.
  uint64_t below(uint64_t bound);
  /// Standard normal (Box-Muller). Returns one value of a pair and keeps the second for the next
  /// call.
  double normal();

 private:
  uint64_t key_;
  uint64_t counter_ = 0;
  std::array<uint32_t, 4> block_{};
  int used_ = 4;
  bool has_spare_normal_ = false;
  double spare_normal_ = 0.0;
};

/// One block of Philox4x32-10: 128-bit counter, 64-bit key.
std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

}  // namespace linformer
