#include "linformer/data/data_order.h"

#include <bit>
#include <stdexcept>

#include "linformer/core/random.h"

namespace linformer {

KeyedPermutation::KeyedPermutation(int64_t size, uint64_t seed, uint64_t epoch)
    : size_(static_cast<uint64_t>(size)) {
  if (size <= 0) throw std::invalid_argument("a permutation needs at least one element");
  const int bits = std::bit_width(size_ - 1);  // 2^bits >= size, less than twice as large
  left_bits_ = bits / 2;
  right_bits_ = bits - left_bits_;
  RandomStream random(RandomPurpose::kDataOrder, {seed, epoch});
  for (uint64_t& key : keys_) key = random.next_u64();
}

int64_t KeyedPermutation::operator()(int64_t index) const {
  if (index < 0 || static_cast<uint64_t>(index) >= size_)
    throw std::out_of_range("index outside the permutation");
  const uint64_t left_mask = (uint64_t{1} << left_bits_) - 1;
  const uint64_t right_mask = (uint64_t{1} << right_bits_) - 1;
  auto value = static_cast<uint64_t>(index);
  do {
    uint64_t left = value >> right_bits_;
    uint64_t right = value & right_mask;
    // Each round changes one side by a function of the other side, so it can be inverted: it is a
    // bijection for any widths.
    for (size_t round = 0; round < kNumRounds; round += 2) {
      right ^= mix64(left ^ keys_[round]) & right_mask;
      left ^= mix64(right ^ keys_[round + 1]) & left_mask;
    }
    value = left << right_bits_ | right;
  } while (value >= size_);
  return static_cast<int64_t>(value);
}

SampleId sample_at(uint64_t seed, int64_t num_sequences, int64_t position) {
  const int64_t epoch = position / num_sequences;
  const KeyedPermutation permutation(num_sequences, seed, static_cast<uint64_t>(epoch));
  return {epoch, permutation(position % num_sequences)};
}

uint64_t corpus_seed(uint64_t seed, int64_t corpus) {
  if (corpus == 0) return seed;
  return stream_key(RandomPurpose::kCorpus, {seed, static_cast<uint64_t>(corpus)});
}

}  // namespace linformer
