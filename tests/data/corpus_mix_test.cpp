#include "linformer/data/corpus_mix.h"

#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/temporary_folder.h"

#include "linformer/core/error.h"
#include "linformer/core/random.h"

namespace linformer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(CorpusMix, ByHand) {
  // Shares 2 and 1 of 3. Slot 1: both may take it, the first is due at ceil(3 / 2) = 2, the second
  // at 3. Slot 2: the first has taken 1 < 2 * 2 / 3 and is due at 3, so is the second: the first.
  // Slot 3: the first has 2 = 2 * 3 / 3, so the second.
  const CorpusMix mix({2.0, 1.0});
  EXPECT_THAT(mix.shares(), ElementsAre(6667, 3333));  // a third is rounded to ten-thousandths
  const CorpusMix exact({0.75, 0.25});
  EXPECT_THAT(exact.shares(), ElementsAre(3, 1));
  // Due at 2 and 4; then 3 and 4; then 4 and 4, the first on a tie; then only the second may.
  std::vector<CorpusMix::Place> places;
  for (int64_t position = 0; position < 6; ++position) places.push_back(exact.at(position));
  EXPECT_THAT(places,
              ElementsAre(CorpusMix::Place{0, 0}, CorpusMix::Place{0, 1}, CorpusMix::Place{0, 2},
                          CorpusMix::Place{1, 0}, CorpusMix::Place{0, 3}, CorpusMix::Place{0, 4}));
}

TEST(CorpusMix, DecimalSharesAreExact) {
  EXPECT_THAT(CorpusMix({0.7, 0.3}).shares(), ElementsAre(7, 3));
  EXPECT_THAT(CorpusMix({0.1, 0.2, 0.7}).shares(), ElementsAre(1, 2, 7));
  EXPECT_THAT(CorpusMix({70, 30}).shares(), ElementsAre(7, 3));
  EXPECT_THAT(CorpusMix({0.9999, 0.0001}).shares(), ElementsAre(9999, 1));
  EXPECT_THAT(CorpusMix().shares(), ElementsAre(1));
}

TEST(CorpusMix, TheSizeOfTheWeightsDoesNotMatter) {
  for (const double scale : {5e-324, 1e-300, 1.0, 1e300, 1e308}) {
    EXPECT_THAT(CorpusMix({scale, scale}).shares(), ElementsAre(1, 1)) << scale;
    EXPECT_THAT(CorpusMix(std::vector<double>(7, scale)).shares(),
                ElementsAre(1429, 1429, 1429, 1429, 1428, 1428, 1428))
        << scale;
  }
  const double most = std::numeric_limits<double>::max();
  EXPECT_THAT(CorpusMix({most, most / 3.0}).shares(), ElementsAre(3, 1));
  EXPECT_THAT(message_of<UsageError>([&] { CorpusMix({most, 1.0}); }), HasSubstr("1 in 10,000"));
}

TEST(CorpusMix, SharesHoldAtEveryPosition) {
  RandomStream random(RandomPurpose::kTest, {3});
  for (int trial = 0; trial < 20; ++trial) {
    std::vector<double> weights(1 + random.below(12));
    for (double& weight : weights) weight = 0.01 + random.uniform();
    const CorpusMix mix(weights);
    const auto period = static_cast<double>(mix.period());
    std::vector<int64_t> taken(weights.size(), 0);
    for (int64_t position = 0; position < 2 * mix.period() + 10; ++position) {
      const CorpusMix::Place place = mix.at(position);
      const auto corpus = static_cast<size_t>(place.corpus);
      ASSERT_EQ(place.index, taken[corpus]++);
      for (size_t c = 0; c < weights.size(); ++c) {
        const double exact =
            static_cast<double>(position + 1) * static_cast<double>(mix.shares()[c]) / period;
        ASSERT_LT(std::abs(static_cast<double>(taken[c]) - exact), 1.0) << position;
      }
    }
    for (size_t c = 0; c < weights.size(); ++c) {
      EXPECT_EQ(mix.taken(static_cast<int64_t>(c), 2 * mix.period() + 10), taken[c]);
    }
  }
}

TEST(CorpusMix, FarPlacesCostNothing) {
  const CorpusMix mix({0.7, 0.3});
  // Position 10^15 is the start of period 10^14: each corpus has given 7 and 3 a period.
  const CorpusMix::Place place = mix.at(1'000'000'000'000'000);
  EXPECT_EQ(place.index, (place.corpus == 0 ? 7 : 3) * 100'000'000'000'000);
}

TEST(CorpusMix, RefusesWhatIsNoWeight) {
  EXPECT_THAT(message_of<UsageError>([] {
                CorpusMix({1.0, 0.0});
              }),
              HasSubstr("0 is not a weight"));
  EXPECT_THAT(message_of<UsageError>([] {
                CorpusMix({1.0, std::nan("")});
              }),
              HasSubstr("is not a weight"));
  EXPECT_THAT(message_of<UsageError>([] { CorpusMix({1.0, 1e-9}); }), HasSubstr("1 in 10,000"));
}

}  // namespace
}  // namespace linformer
