#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace linformer {

/// A permutation of {0, ..., size - 1} that is a pure function of (seed, epoch). Each value costs
/// the same tens of nanoseconds, and no table is stored. It is a Feistel network over the smallest
/// power of two that holds `size`, applied again until the result is below `size` (cycle walking;
/// Black and Rogaway 2002).
class KeyedPermutation {
 public:
  /// size > 0.
  KeyedPermutation(int64_t size, uint64_t seed, uint64_t epoch);

  int64_t size() const { return static_cast<int64_t>(size_); }
  /// Image of `index`, 0 <= index < size.
  int64_t operator()(int64_t index) const;

 private:
  static constexpr size_t kNumRounds = 12;

  uint64_t size_;
  int left_bits_, right_bits_;
  std::array<uint64_t, kNumRounds> keys_{};
};

/// A sequence at one point of the training.
struct SampleId {
  int64_t epoch = 0;
  int64_t index = 0;  ///< of the sequence in its SequencePacking
  int64_t corpus = 0;
  bool operator==(const SampleId&) const = default;
};

/// The sequence at `position` of a run's endless stream: epoch = position / num_sequences. Each
/// epoch has every sequence once, in the order of that epoch's permutation.
SampleId sample_at(uint64_t seed, int64_t num_sequences, int64_t position);

/// The seed of a corpus's order and masks. The first corpus uses the run's own seed, so that a run
/// over one corpus is unchanged; the others use keys of their own.
uint64_t corpus_seed(uint64_t seed, int64_t corpus);

}  // namespace linformer
