#include "linformer/core/random.h"

#include <cmath>
#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace linformer {
namespace {

using Words = std::array<uint32_t, 4>;

TEST(Philox, KnownAnswers) {
  // The vectors of Random123's kat_vectors for philox4x32 with 10 rounds.
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}),
            (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox4x32({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Mix64, EqualsSplitMix64) {
  // The first outputs of SplitMix64 started at 0: it mixes 1, 2, 3 times its step.
  constexpr uint64_t kStep = 0x9E3779B97F4A7C15ULL;
  EXPECT_EQ(mix64(kStep), 0xE220A8397B1DCDAFULL);
  EXPECT_EQ(mix64(2 * kStep), 0x6E789E6AA1B965F4ULL);
  EXPECT_EQ(mix64(3 * kStep), 0x06C45D188009454FULL);
}

TEST(RandomStream, WalksPhiloxsCounter) {
  RandomStream random(0);
  EXPECT_EQ(random.next_u32(), 0x6627e8d5u);
  EXPECT_EQ(random.next_u32(), 0xe169c58du);
  EXPECT_EQ(random.next_u64(), 0x9b00dbd8bc57ac4cULL);
  EXPECT_EQ(random.next_u32(), philox4x32({1, 0, 0, 0}, {0, 0})[0]);
}

TEST(RandomStream, FrozenNumbers) {
  // Part of the file formats' meaning: the same seed has to give the same masks in years to come.
  RandomStream random(RandomPurpose::kMasking, {1, 2, 3});
  EXPECT_EQ(stream_key(RandomPurpose::kMasking, {1, 2, 3}), 0xF3B039A1D22E9CEAULL);
  EXPECT_EQ(random.next_u64(), 0xC2FE26E2DECB8BC9ULL);
}

TEST(StreamKey, DependsOnPurposeOrderAndNumberOfKeys) {
  std::set<uint64_t> keys;
  size_t count = 0;
  for (const RandomPurpose purpose : {RandomPurpose::kDataOrder, RandomPurpose::kMasking}) {
    for (uint64_t a = 0; a < 20; ++a) {
      keys.insert(stream_key(purpose, {a}));
      ++count;
      for (uint64_t b = 0; b < 20; ++b, ++count) keys.insert(stream_key(purpose, {a, b}));
    }
  }
  EXPECT_EQ(keys.size(), count);
}

TEST(RandomStream, UniformHasMeanAndVariance) {
  RandomStream random(RandomPurpose::kTest, {1});
  constexpr int kDraws = 100000;
  double sum = 0, squares = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double value = random.uniform();
    ASSERT_GE(value, 0.0);
    ASSERT_LT(value, 1.0);
    sum += value;
    squares += value * value;
  }
  // Standard error of the mean: sqrt(1/12 / 100000) = 0.0009; five of them.
  EXPECT_NEAR(sum / kDraws, 0.5, 0.0046);
  EXPECT_NEAR(squares / kDraws, 1.0 / 3.0, 0.005);
}

TEST(RandomStream, NormalHasMomentsOfTheNormal) {
  RandomStream random(RandomPurpose::kTest, {2});
  constexpr int kDraws = 100000;
  double sum = 0, squares = 0, fourth = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double value = random.normal();
    ASSERT_TRUE(std::isfinite(value));
    sum += value;
    squares += value * value;
    fourth += value * value * value * value;
  }
  EXPECT_NEAR(sum / kDraws, 0.0, 0.016);
  EXPECT_NEAR(squares / kDraws, 1.0, 0.023);
  EXPECT_NEAR(fourth / kDraws, 3.0, 0.16);
}

TEST(RandomStream, BelowIsUniform) {
  for (const uint64_t bound : {uint64_t{1}, uint64_t{2}, uint64_t{7}, uint64_t{100}}) {
    RandomStream random(RandomPurpose::kTest, {3, bound});
    std::vector<int> counts(bound, 0);
    constexpr int kDraws = 70000;
    for (int i = 0; i < kDraws; ++i) ++counts.at(random.below(bound));
    const double expected = static_cast<double>(kDraws) / static_cast<double>(bound);
    for (const int count : counts) EXPECT_NEAR(count, expected, 5 * std::sqrt(expected));
  }
}

TEST(RandomStream, BelowStaysBelowLargeBounds) {
  RandomStream random(RandomPurpose::kTest, {4});
  // A bound just over half of the range rejects almost half of the draws: the hardest case.
  for (const uint64_t bound :
       {(uint64_t{1} << 31) + 1, uint64_t{1} << 32, (uint64_t{1} << 63) + 1, ~uint64_t{0}}) {
    double sum = 0;
    for (int i = 0; i < 2000; ++i) {
      const uint64_t value = random.below(bound);
      ASSERT_LT(value, bound);
      sum += static_cast<double>(value) / static_cast<double>(bound);
    }
    EXPECT_NEAR(sum / 2000, 0.5, 0.033) << bound;
  }
}

TEST(RandomStream, BelowRejectsWhatWouldFavourSomeValues) {
  // Of four draws x, floor(x * 3 / 4) is 0, 0, 1, 2: without rejection a value divisible by 3 would
  // come in half of the cases instead of a third. Standard deviation over 9,000: 45.
  for (const uint64_t bound : {uint64_t{3} << 30, uint64_t{3} << 62}) {
    RandomStream random(RandomPurpose::kTest, {5, bound});
    int divisible = 0;
    for (int i = 0; i < 9000; ++i) divisible += random.below(bound) % 3 == 0 ? 1 : 0;
    EXPECT_NEAR(divisible, 3000, 5 * 45) << bound;
  }
}

}  // namespace
}  // namespace linformer
