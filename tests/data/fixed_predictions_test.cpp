#include "linformer/data/fixed_predictions.h"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "linformer/core/special_tokens.h"

namespace linformer {
namespace {

Batch batch_of(int64_t num_sequences, int64_t length, const std::vector<int64_t>& positions) {
  Batch batch;
  batch.num_sequences = num_sequences;
  batch.length = length;
  batch.input_ids.assign(static_cast<size_t>(num_sequences * length), 5);
  batch.attention_mask.assign(batch.input_ids.size(), 1);
  batch.masked_positions = positions;
  for (const int64_t position : positions) batch.masked_labels.push_back(100 + position);
  return batch;
}

TEST(FixedPredictions, HandComputed) {
  // 2 x 4 positions, of which 1, 2 and 6 are predicted; up to 3 a sequence, 5 in all.
  const auto fixed = with_fixed_predictions(batch_of(2, 4, {1, 2, 6}), {5, 3});
  ASSERT_TRUE(fixed);
  EXPECT_EQ(fixed->masked_positions, (std::vector<int64_t>{0, 1, 2, 4, 6}));
  EXPECT_EQ(fixed->masked_labels,
            (std::vector<int64_t>{kNoPrediction, 101, 102, kNoPrediction, 106}));
}

TEST(FixedPredictions, ALongerBatchKeepsItsTokens) {
  Batch batch = batch_of(2, 2, {1, 2});
  batch.input_ids = {5, 6, 7, 8};
  const Batch longer = with_length(batch, 3);
  EXPECT_EQ(longer.input_ids, (std::vector<int64_t>{5, 6, kPadId, 7, 8, kPadId}));
  EXPECT_EQ(longer.attention_mask, (std::vector<uint8_t>{1, 1, 0, 1, 1, 0}));
  EXPECT_EQ(longer.masked_positions, (std::vector<int64_t>{1, 3}));
  EXPECT_TRUE(longer.has_padding);
  EXPECT_EQ(with_length(batch, 2), batch);
}

TEST(FixedPredictions, ABatchThatDoesNotFitIsLeftAlone) {
  EXPECT_FALSE(with_fixed_predictions(batch_of(2, 4, {1, 2, 6}), {2, 2}));  // three in all
  EXPECT_FALSE(
      with_fixed_predictions(batch_of(2, 4, {1, 2, 3, 6}), {6, 2}));  // three in a sequence
  EXPECT_FALSE(with_fixed_predictions(batch_of(2, 4, {1}), {6, 2}));  // room for four
  EXPECT_TRUE(with_fixed_predictions(batch_of(2, 4, {}), {4, 2}));
}

TEST(FixedPredictions, EveryPredictionStaysAndTheOthersFillUp) {
  std::mt19937 random(4);
  const auto draw = [&](int64_t most) {
    return static_cast<int64_t>(random() % static_cast<uint64_t>(most + 1));
  };
  int done = 0;
  for (int trial = 0; trial < 500; ++trial) {
    const int64_t sequences = 1 + draw(4);
    const int64_t length = 1 + draw(12);
    std::vector<int64_t> positions;
    for (int64_t i = 0; i < sequences * length; ++i) {
      if (draw(2) == 0) positions.push_back(i);
    }
    const Batch batch = batch_of(sequences, length, positions);
    const FixedPredictions shape{draw(sequences * length), draw(length)};
    const auto fixed = with_fixed_predictions(batch, shape);
    if (!fixed) continue;
    ++done;
    EXPECT_EQ(static_cast<int64_t>(fixed->masked_positions.size()), shape.in_batch);
    EXPECT_EQ(fixed->masked_labels.size(), fixed->masked_positions.size());
    std::vector<int64_t> kept;
    std::vector<int64_t> labels;
    std::vector<int64_t> counts(static_cast<size_t>(sequences), 0);
    for (size_t i = 0; i < fixed->masked_positions.size(); ++i) {
      const int64_t position = fixed->masked_positions[i];
      if (i > 0) {
        EXPECT_LT(fixed->masked_positions[i - 1], position);
      }
      ++counts.at(static_cast<size_t>(position / length));
      if (fixed->masked_labels[i] == kNoPrediction) continue;
      kept.push_back(position);
      labels.push_back(fixed->masked_labels[i]);
    }
    EXPECT_EQ(kept, batch.masked_positions);
    EXPECT_EQ(labels, batch.masked_labels);
    EXPECT_LE(*std::max_element(counts.begin(), counts.end()), shape.most_in_sequence);
    EXPECT_EQ(fixed->input_ids, batch.input_ids);
  }
  EXPECT_GT(done, 50);
}

TEST(FixedPredictions, BatchesOfTheirShapeFit) {
  std::mt19937 random(5);
  for (const double probability : {0.0, 0.02, 0.15, 0.4, 1.0}) {
    const FixedPredictions shape = fixed_predictions(8, 128, probability);
    EXPECT_LE(shape.in_batch, 8 * shape.most_in_sequence);
    EXPECT_LE(shape.most_in_sequence, 128);
    for (int trial = 0; trial < 200; ++trial) {
      std::vector<int64_t> positions;
      std::bernoulli_distribution predicted(probability);
      for (int64_t i = 0; i < 8 * 128; ++i) {
        if (predicted(random)) positions.push_back(i);
      }
      EXPECT_TRUE(with_fixed_predictions(batch_of(8, 128, positions), shape)) << probability;
    }
  }
}

}  // namespace
}  // namespace linformer
