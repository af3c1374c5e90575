#include "linformer/data/data_order.h"

#include <map>
#include <set>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

namespace linformer {
namespace {

std::vector<int64_t> image(int64_t size, uint64_t seed, uint64_t epoch) {
  const KeyedPermutation permutation(size, seed, epoch);
  std::vector<int64_t> values;
  for (int64_t i = 0; i < size; ++i) values.push_back(permutation(i));
  return values;
}

TEST(KeyedPermutation, IsABijectionOfEverySize) {
  std::vector<int64_t> sizes = {1023, 1024, 1025, 4095, 4097, 65536, 65537, 100000};
  for (int64_t size = 1; size <= 300; ++size) sizes.push_back(size);
  for (const int64_t size : sizes) {
    std::vector<bool> seen(static_cast<size_t>(size), false);
    for (const int64_t value : image(size, 5, 3)) {
      ASSERT_GE(value, 0);
      ASSERT_LT(value, size);
      ASSERT_FALSE(seen[static_cast<size_t>(value)]) << "size " << size;
      seen[static_cast<size_t>(value)] = true;
    }
  }
}

TEST(KeyedPermutation, AnswersForHugeSizesWithoutATable) {
  const int64_t size = (int64_t{1} << 62) + 12345;
  const KeyedPermutation permutation(size, 1, 0);
  std::set<int64_t> values;
  for (int64_t i = 0; i < 10000; ++i) values.insert(permutation(size - 1 - i));
  EXPECT_EQ(values.size(), 10000u);
  EXPECT_GE(*values.begin(), 0);
  EXPECT_LT(*values.rbegin(), size);
}

TEST(KeyedPermutation, RefusesWhatIsOutside) {
  EXPECT_THROW(KeyedPermutation(0, 1, 1), std::invalid_argument);
  const KeyedPermutation permutation(5, 1, 1);
  EXPECT_THROW(permutation(5), std::out_of_range);
  EXPECT_THROW(permutation(-1), std::out_of_range);
}

TEST(KeyedPermutation, SmallSizesTakeEveryOrderEquallyOften) {
  // 6 orders of 3 elements over 6,000 epochs: 1,000 each; chi-square of 5 degrees of freedom is
  // below 20.5 with probability 0.999. Likewise 24 orders of 4: 23 degrees, 49.7.
  const std::map<int64_t, std::pair<int, double>> cases = {
      {2, {2, 10.8}}, {3, {6, 20.5}}, {4, {24, 49.7}}};
  for (const auto& [size, expected] : cases) {
    const auto [num_orders, bound] = expected;
    std::map<std::vector<int64_t>, int> counts;
    for (uint64_t epoch = 0; epoch < static_cast<uint64_t>(num_orders) * 1000; ++epoch)
      ++counts[image(size, 17, epoch)];
    EXPECT_EQ(counts.size(), static_cast<size_t>(num_orders));
    double chi_square = 0;
    for (const auto& [order, count] : counts)
      chi_square += (count - 1000.0) * (count - 1000.0) / 1000;
    EXPECT_LT(chi_square, bound) << "size " << size;
  }
}

TEST(KeyedPermutation, PlacesLookUniformAcrossEpochs) {
  // Where do index 0 and a middle index of 50 land? 49 degrees of freedom: 85.4 at 0.999.
  for (const int64_t index : {0, 25, 49}) {
    std::vector<int> counts(50, 0);
    constexpr int kEpochs = 20000;
    for (uint64_t epoch = 0; epoch < kEpochs; ++epoch)
      ++counts[static_cast<size_t>(KeyedPermutation(50, 3, epoch)(index))];
    double chi_square = 0;
    for (const int count : counts) chi_square += (count - 400.0) * (count - 400.0) / 400;
    EXPECT_LT(chi_square, 85.4) << index;
  }
}

TEST(KeyedPermutation, NeighboursAreNotKeptTogether) {
  // Of 100,000 pairs of neighbours, about 2 stay neighbours in a random order; and the
  // correlation of place and value has the standard deviation 1 / sqrt(100,000) = 0.003.
  constexpr int64_t kSize = 100000;
  const auto values = image(kSize, 1, 0);
  int kept = 0;
  double product = 0;
  for (int64_t i = 0; i < kSize; ++i) {
    const auto value = static_cast<double>(values[static_cast<size_t>(i)]);
    product += (static_cast<double>(i) / kSize - 0.5) * (value / kSize - 0.5);
    if (i > 0 && std::abs(values[static_cast<size_t>(i)] - values[static_cast<size_t>(i - 1)]) == 1)
      ++kept;
  }
  EXPECT_LE(kept, 12);
  EXPECT_LT(std::abs(product / kSize * 12), 0.016);
}

TEST(KeyedPermutation, SeedsAndEpochsDiffer) {
  const auto base = image(1000, 1, 0);
  EXPECT_EQ(base, image(1000, 1, 0));
  for (const auto& other : {image(1000, 1, 1), image(1000, 2, 0)}) {
    int equal = 0;
    for (size_t i = 0; i < base.size(); ++i) equal += base[i] == other[i] ? 1 : 0;
    EXPECT_LE(equal, 10);  // about 1 by chance
  }
}

TEST(KeyedPermutation, FrozenOrder) {
  // A run that is resumed with a later version has to go on with the same data.
  EXPECT_EQ(image(10, 1, 0), (std::vector<int64_t>{9, 4, 7, 3, 1, 8, 2, 0, 6, 5}));
}

TEST(SampleAt, RunsThroughEveryEpochOnce) {
  for (int64_t epoch = 0; epoch < 3; ++epoch) {
    const auto order = image(7, 9, static_cast<uint64_t>(epoch));
    for (int64_t i = 0; i < 7; ++i) {
      EXPECT_EQ(sample_at(9, 7, epoch * 7 + i), (SampleId{epoch, order[static_cast<size_t>(i)]}));
    }
  }
}

}  // namespace
}  // namespace linformer
