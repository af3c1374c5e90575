#include "linformer/data/mlm_masker.h"

#include <algorithm>
#include <cmath>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "linformer/core/error.h"
#include "linformer/core/special_tokens.h"

namespace linformer {
namespace {

using testing::ElementsAre;

constexpr int64_t kVocabSize = 50;
constexpr int32_t kMask = 49;

/// <s> 4 5 6 ... </s> with `count` ordinary ids.
std::vector<int32_t> sequence(size_t count) {
  std::vector<int32_t> ids{kBosId};
  for (size_t i = 0; i < count; ++i) ids.push_back(static_cast<int32_t>(4 + i % 45));
  ids.push_back(kEosId);
  return ids;
}

MlmMasker masker(double probability, double replace = 0.8, double random = 0.1) {
  return MlmMasker({probability, replace, random, kVocabSize});
}

RandomStream stream(uint64_t key) {
  return {RandomPurpose::kTest, {key}};
}

TEST(MlmMasker, FollowsItsStreamByHand) {
  // The same draws in the documented order: u, then one index a masked position (Fisher-Yates over
  // the maskable positions 1, 2, 3, 5), then in ascending order one choice each, and one id for a
  // random replacement.
  const std::vector<int32_t> tokens{kBosId, 10, 11, 12, kEosId, 13, kEosId};
  for (uint64_t key = 0; key < 200; ++key) {
    RandomStream draws = stream(key);
    std::vector<int32_t> maskable{1, 2, 3, 5};
    const auto count = static_cast<size_t>(0.4 * 4 + draws.uniform());  // 1 or 2
    std::vector<int32_t> positions;
    for (size_t i = 0; i < count; ++i) {
      const size_t j = i + draws.below(4 - i);
      std::swap(maskable[i], maskable[j]);
      positions.push_back(maskable[i]);
    }
    std::sort(positions.begin(), positions.end());
    std::vector<int32_t> input = tokens;
    std::vector<int32_t> labels;
    for (const int32_t position : positions) {
      labels.push_back(tokens[static_cast<size_t>(position)]);
      const double choice = draws.uniform();
      int32_t& id = input[static_cast<size_t>(position)];
      if (choice < 0.8) id = kMask;
      if (choice >= 0.8 && choice < 0.9) id = static_cast<int32_t>(4 + draws.below(45));
    }
    const MaskedSequence masked = masker(0.4).mask(tokens, stream(key));
    EXPECT_EQ(masked.positions, positions);
    EXPECT_EQ(masked.labels, labels);
    EXPECT_EQ(masked.input_ids, input);
  }
}

TEST(MlmMasker, FrozenMasks) {
  // The masks of seed 1, epoch 0, sequence 0; part of what "the same seed" means.
  const MaskedSequence masked = masker(0.5).mask(sequence(8), training_masks(1, {0, 0}));
  EXPECT_THAT(masked.positions, ElementsAre(1, 4, 6, 8));
  EXPECT_THAT(masked.input_ids, ElementsAre(0, 49, 5, 6, 49, 8, 49, 10, 49, 2));
}

TEST(MlmMasker, NeverTouchesSpecialTokens) {
  const std::vector<int32_t> tokens{kBosId, kUnkId, 7, kEosId, 8, kMask, kPadId, kEosId};
  const MaskedSequence all = masker(1.0, 1.0, 0.0).mask(tokens, stream(1));
  EXPECT_THAT(all.positions, ElementsAre(2, 4));
  EXPECT_THAT(all.labels, ElementsAre(7, 8));
  EXPECT_THAT(all.input_ids,
              ElementsAre(kBosId, kUnkId, kMask, kEosId, kMask, kMask, kPadId, kEosId));
}

TEST(MlmMasker, RandomIdsAreUniformOverOrdinaryIds) {
  std::vector<int> counts(kVocabSize, 0);
  for (uint64_t key = 0; key < 450; ++key) {
    const MaskedSequence masked = masker(1.0, 0.0, 1.0).mask(sequence(100), stream(key));
    for (const int32_t position : masked.positions)
      ++counts[static_cast<size_t>(masked.input_ids[static_cast<size_t>(position)])];
  }
  for (const int32_t special : {kBosId, kPadId, kEosId, kUnkId, kMask})
    EXPECT_EQ(counts[static_cast<size_t>(special)], 0);
  // 45,000 draws over 45 ids: 1,000 each; chi-square of 44 degrees is below 78.7 at 0.999.
  double chi_square = 0;
  for (size_t id = 4; id < 49; ++id)
    chi_square += (counts[id] - 1000.0) * (counts[id] - 1000.0) / 1000;
  EXPECT_LT(chi_square, 78.7);
}

TEST(MlmMasker, NothingToMaskGivesNothing) {
  const MaskedSequence none = masker(0.15).mask(std::vector<int32_t>{kBosId, kEosId}, stream(1));
  EXPECT_TRUE(none.positions.empty());
  EXPECT_EQ(none.input_ids.size(), 2u);
  const MaskedSequence zero = masker(0.0).mask(sequence(100), stream(1));
  EXPECT_TRUE(zero.positions.empty());
  EXPECT_EQ(zero.input_ids, sequence(100));
}

TEST(MlmMasker, CountIsTheFloorOrTheCeilingWithTheRightMean) {
  // 0.15 x 30 = 4.5: 4 or 5, half of the time each.
  int64_t total = 0;
  constexpr int kTrials = 4000;
  for (uint64_t key = 0; key < kTrials; ++key) {
    const size_t count = masker(0.15).mask(sequence(30), stream(key)).positions.size();
    ASSERT_TRUE(count == 4 || count == 5);
    total += static_cast<int64_t>(count);
  }
  // Standard deviation of the sum: sqrt(4000 / 4) = 32.
  EXPECT_NEAR(static_cast<double>(total), 4.5 * kTrials, 5 * 32);
}

TEST(MlmMasker, EightyTenTenWithinBinomialBounds) {
  double masked_count = 0, random_count = 0, kept_count = 0, total = 0;
  std::vector<int> at_position(202, 0);
  for (uint64_t key = 0; key < 2000; ++key) {
    const std::vector<int32_t> tokens = sequence(200);
    const MaskedSequence masked = masker(0.15).mask(tokens, training_masks(key, {0, 0}));
    ASSERT_EQ(masked.positions.size(), 30u);
    for (size_t i = 0; i < masked.positions.size(); ++i) {
      const auto position = static_cast<size_t>(masked.positions[i]);
      ASSERT_EQ(masked.labels[i], tokens[position]);
      ++at_position[position];
      ++total;
      const int32_t id = masked.input_ids[position];
      masked_count += id == kMask ? 1 : 0;
      kept_count += id == tokens[position] ? 1 : 0;
      random_count += id != kMask && id != tokens[position] ? 1 : 0;
    }
  }
  const auto bound = [&](double p) { return 5 * std::sqrt(total * p * (1 - p)); };
  // A random id equals the old one in 1 of 45 cases and then counts as kept.
  EXPECT_NEAR(masked_count, 0.8 * total, bound(0.8));
  EXPECT_NEAR(random_count, 0.1 * 44 / 45 * total, bound(0.1));
  EXPECT_NEAR(kept_count, (0.1 + 0.1 / 45) * total, bound(0.1));
  EXPECT_EQ(at_position.front(), 0);
  EXPECT_EQ(at_position.back(), 0);
  // Every position 0.15 x 2,000 = 300 times, standard deviation 16.
  for (size_t i = 1; i <= 200; ++i) EXPECT_NEAR(at_position[i], 300, 80) << i;
}

TEST(MlmMasker, LeavesOtherPositionsAlone) {
  const auto tokens = sequence(100);
  const MaskedSequence masked = masker(0.15).mask(tokens, stream(4));
  const std::set<int32_t> chosen(masked.positions.begin(), masked.positions.end());
  EXPECT_EQ(chosen.size(), masked.positions.size());
  EXPECT_TRUE(std::is_sorted(masked.positions.begin(), masked.positions.end()));
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (chosen.contains(static_cast<int32_t>(i))) continue;
    EXPECT_EQ(masked.input_ids[i], tokens[i]);
  }
}

TEST(MlmMasker, MasksDependOnSeedEpochAndIndexOnly) {
  const auto tokens = sequence(200);
  const auto positions = [&](RandomStream random) {
    return masker(0.15).mask(tokens, random).positions;
  };
  const auto base = positions(training_masks(1, {0, 0}));
  EXPECT_EQ(base, positions(training_masks(1, {0, 0})));
  EXPECT_NE(base, positions(training_masks(2, {0, 0})));
  EXPECT_NE(base, positions(training_masks(1, {1, 0})));
  EXPECT_NE(base, positions(training_masks(1, {0, 1})));
  EXPECT_NE(base, positions(validation_masks(1, 0)));
  EXPECT_EQ(positions(validation_masks(7, 3)), positions(validation_masks(7, 3)));
  EXPECT_NE(positions(validation_masks(7, 3)), positions(validation_masks(7, 4)));
}

TEST(MlmMasker, RefusesOptionsThatMeanNothing) {
  EXPECT_THROW(masker(1.1), UsageError);
  EXPECT_THROW(masker(-0.1), UsageError);
  EXPECT_THROW(masker(std::nan("")), UsageError);
  EXPECT_THROW(masker(0.15, 0.8, 0.3), UsageError);
  EXPECT_NO_THROW(masker(0.15, 0.7, 0.3));
  EXPECT_THROW(MlmMasker({0.15, 0.8, 0.1, 5}), UsageError);
  EXPECT_NO_THROW(MlmMasker({0.15, 0.8, 0.1, 6}));
}

// Whole words: ids below 30 continue a word, the others begin one.

std::vector<uint8_t> word_starts() {
  std::vector<uint8_t> starts(kVocabSize, 1);
  for (size_t id = 4; id < 30; ++id) starts[id] = 0;
  return starts;
}

MlmMasker word_masker(double probability) {
  return MlmMasker({probability, 0.8, 0.1, kVocabSize, word_starts()});
}

TEST(WholeWords, FollowItsStreamByHand) {
  // Words: 40 10 | 41 | 42 11 12 | after </s> 13 begins one, although its id continues: 13 14.
  const std::vector<int32_t> tokens{kBosId, 40, 10, 41, 42, 11, 12, kEosId, 13, 14, kEosId};
  const std::vector<std::pair<int32_t, int32_t>> words{{1, 3}, {3, 4}, {4, 7}, {8, 10}};
  for (uint64_t key = 0; key < 100; ++key) {
    RandomStream draws = stream(key);
    auto order = words;
    const auto count = static_cast<size_t>(0.4 * 4 + draws.uniform());  // 1 or 2 words
    std::set<int32_t> positions;
    for (size_t i = 0; i < count; ++i) {
      std::swap(order[i], order[i + draws.below(4 - i)]);
      for (int32_t p = order[i].first; p < order[i].second; ++p) positions.insert(p);
    }
    const MaskedSequence masked = word_masker(0.4).mask(tokens, stream(key));
    EXPECT_EQ(masked.positions, std::vector<int32_t>(positions.begin(), positions.end())) << key;
    for (size_t i = 0; i < masked.positions.size(); ++i) {
      EXPECT_EQ(masked.labels[i], tokens[static_cast<size_t>(masked.positions[i])]);
    }
  }
}

TEST(WholeWords, AreNeverSplitAndKeepTheShare) {
  RandomStream random(RandomPurpose::kTest, {77});
  std::vector<int32_t> tokens{kBosId};
  for (int i = 0; i < 200; ++i) {
    // With <unk> and </s> in between, which are never predicted and end a word.
    const uint64_t draw = random.below(20);
    tokens.push_back(draw == 0   ? kUnkId
                     : draw == 1 ? kEosId
                                 : static_cast<int32_t>(4 + random.below(45)));
  }
  const MlmMasker masker = word_masker(0.15);
  const auto starts = word_starts();
  const auto num_maskable = std::count_if(tokens.begin(), tokens.end(),
                                          [&](int32_t id) { return !masker.is_special(id); });
  double sum = 0.0;
  constexpr int kTrials = 4000;
  for (uint64_t key = 0; key < kTrials; ++key) {
    const MaskedSequence masked = masker.mask(tokens, stream(key));
    const std::set<int32_t> predicted(masked.positions.begin(), masked.positions.end());
    sum += static_cast<double>(predicted.size());
    for (const int32_t position : predicted) {
      ASSERT_FALSE(masker.is_special(tokens[static_cast<size_t>(position)]));
    }
    for (size_t i = 1; i + 1 < tokens.size(); ++i) {
      const bool continues = !masker.is_special(tokens[i]) && !masker.is_special(tokens[i - 1]) &&
                             starts[static_cast<size_t>(tokens[i])] == 0;
      if (!continues) continue;
      ASSERT_EQ(predicted.count(static_cast<int32_t>(i)),
                predicted.count(static_cast<int32_t>(i) - 1));
    }
  }
  // The mean over the trials is within 5 standard errors; a sequence's count deviates by less
  // than 8.
  const double expected = 0.15 * static_cast<double>(num_maskable);
  EXPECT_NEAR(sum / kTrials, expected, 5.0 * 8.0 / std::sqrt(kTrials));
}

TEST(WholeWords, OfOneTokenEachAreTokens) {
  const std::vector<int32_t> tokens = sequence(60);
  MaskingOptions options{0.15, 0.8, 0.1, kVocabSize, std::vector<uint8_t>(kVocabSize, 1)};
  const MlmMasker words(options);
  for (uint64_t key = 0; key < 50; ++key) {
    const MaskedSequence a = words.mask(tokens, stream(key));
    const MaskedSequence b = masker(0.15).mask(tokens, stream(key));
    EXPECT_EQ(a.input_ids, b.input_ids);
    EXPECT_EQ(a.positions, b.positions);
  }
}

TEST(MlmMasker, TheShareMayChangeByTheCall) {
  const std::vector<int32_t> tokens = sequence(100);
  const MlmMasker fixed = masker(0.4);
  const MlmMasker other = masker(0.15);
  const MaskedSequence a = other.mask(tokens, stream(9), 0.4);
  EXPECT_EQ(a.input_ids, fixed.mask(tokens, stream(9)).input_ids);
  EXPECT_EQ(a.positions.size(), 40u);  // 0.4 * 100 + u
}

}  // namespace
}  // namespace linformer
