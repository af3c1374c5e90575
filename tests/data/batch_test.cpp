#include "linformer/data/batch.h"

#include <algorithm>
#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/fixtures.h"

#include "linformer/core/special_tokens.h"

namespace linformer {
namespace {

using testing::Each;
using testing::ElementsAre;

BatchRow row(std::vector<int32_t> ids, std::vector<int32_t> positions, std::vector<int32_t> labels,
             SampleId sample) {
  return {{std::move(ids), std::move(positions), std::move(labels)}, {}, {}, sample};
}

TEST(MakeBatch, PadsToAMultipleOfEight) {
  const std::vector<BatchRow> rows = {row({0, 9, 5, 2}, {1}, {6}, {0, 4}),
                                      row({0, 7, 9, 8, 9, 2}, {2, 4}, {11, 12}, {1, 3})};
  const Batch batch = make_batch(rows, 512);
  EXPECT_EQ(batch.num_sequences, 2);
  EXPECT_EQ(batch.length, 8);
  EXPECT_THAT(batch.input_ids, ElementsAre(0, 9, 5, 2, 1, 1, 1, 1, 0, 7, 9, 8, 9, 2, 1, 1));
  EXPECT_THAT(batch.attention_mask, ElementsAre(1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 0, 0));
  EXPECT_TRUE(batch.has_padding);
  EXPECT_THAT(batch.masked_positions, ElementsAre(1, 10, 12));
  EXPECT_THAT(batch.masked_labels, ElementsAre(6, 11, 12));
  EXPECT_THAT(batch.samples, ElementsAre(SampleId{0, 4}, SampleId{1, 3}));
  EXPECT_EQ(batch.num_tokens, 10);
}

TEST(MakeBatch, IsNeverLongerThanTheModel) {
  const std::vector<BatchRow> rows = {row({0, 4, 5, 6, 7, 2}, {}, {}, {})};
  EXPECT_EQ(make_batch(rows, 6).length, 6);
  EXPECT_FALSE(make_batch(rows, 6).has_padding);
  EXPECT_EQ(make_batch(rows, 7).length, 7);
  EXPECT_THROW(make_batch(rows, 5), std::length_error);
}

class BatchSourceTest : public testing::Test {
 protected:
  TokenDataset dataset_ = TokenDataset::from_memory(random_documents(21, 150, 100, 20), 1, 100);
  SequencePacking packing_{dataset_, {32}};
  BatchSource source_{packing_, {0.15, 0.8, 0.1, 100}, 5};
};

TEST_F(BatchSourceTest, AnEpochHoldsEverySequenceOnceAndMasksChangeBetweenEpochs) {
  const int64_t size = source_.num_sequences();
  ASSERT_GT(size, 50);
  const Batch first = source_.batch(0, size);
  const Batch second = source_.batch(size, size);
  std::vector<int64_t> indices;
  for (const SampleId& sample : first.samples) {
    EXPECT_EQ(sample.epoch, 0);
    indices.push_back(sample.index);
  }
  std::sort(indices.begin(), indices.end());
  for (int64_t i = 0; i < size; ++i) EXPECT_EQ(indices[static_cast<size_t>(i)], i);
  EXPECT_EQ(second.samples[0].epoch, 1);
  EXPECT_NE(first.samples[0].index * 1000 + first.samples[1].index,
            second.samples[0].index * 1000 + second.samples[1].index);
  const MaskedSequence here = source_.training_row({0, 3});
  const MaskedSequence later = source_.training_row({1, 3});
  EXPECT_NE(here.positions, later.positions);
}

/// Row b of a batch without its padding.
std::vector<int64_t> row_ids(const Batch& batch, int64_t b) {
  std::vector<int64_t> ids;
  for (int64_t i = b * batch.length; i < (b + 1) * batch.length; ++i)
    if (batch.attention_mask[static_cast<size_t>(i)] != 0)
      ids.push_back(batch.input_ids[static_cast<size_t>(i)]);
  return ids;
}

TEST_F(BatchSourceTest, AnyDivisionIntoBatchesGivesTheSameRows) {
  // 1 process x 24, 3 micro-batches of 8, or 24 of 1; and from any position on.
  const Batch whole = source_.batch(17, 24);
  for (const int64_t count : {1, 3, 8}) {
    size_t label = 0;
    for (int64_t first = 0; first < 24; first += count) {
      const Batch part = source_.batch(17 + first, count);
      for (int64_t b = 0; b < count; ++b) {
        EXPECT_EQ(part.samples[static_cast<size_t>(b)],
                  whole.samples[static_cast<size_t>(first + b)]);
        EXPECT_EQ(row_ids(part, b), row_ids(whole, first + b));
      }
      for (const int64_t id : part.masked_labels) EXPECT_EQ(id, whole.masked_labels[label++]);
    }
    EXPECT_EQ(label, whole.masked_labels.size());
  }
  EXPECT_EQ(source_.batch(17, 24), whole);
}

TEST_F(BatchSourceTest, ABatchIsWellFormed) {
  for (int64_t first = 0; first < 200; first += 8) {
    const Batch batch = source_.batch(first, 8);
    ASSERT_LE(batch.length, 32);
    ASSERT_EQ(batch.length % 8, 0);
    ASSERT_EQ(batch.input_ids.size(), static_cast<size_t>(8 * batch.length));
    ASSERT_EQ(batch.masked_positions.size(), batch.masked_labels.size());
    EXPECT_TRUE(std::is_sorted(batch.masked_positions.begin(), batch.masked_positions.end()));
    int64_t tokens = 0;
    for (size_t i = 0; i < batch.input_ids.size(); ++i) {
      tokens += batch.attention_mask[i];
      EXPECT_EQ(batch.attention_mask[i] == 0, batch.input_ids[i] == kPadId);
    }
    EXPECT_EQ(tokens, batch.num_tokens);
    for (size_t i = 0; i < batch.masked_positions.size(); ++i) {
      const int64_t position = batch.masked_positions[i];
      const SampleId sample = batch.samples[static_cast<size_t>(position / batch.length)];
      const auto original = packing_.tokens(sample.index);
      EXPECT_EQ(batch.masked_labels[i], original[static_cast<size_t>(position % batch.length)]);
    }
  }
}

TEST_F(BatchSourceTest, EvaluationGoesInOrderWithFrozenMasks) {
  const Batch batch = source_.evaluation_batch(10, 6, 7);
  for (int64_t b = 0; b < 6; ++b)
    EXPECT_EQ(batch.samples[static_cast<size_t>(b)], (SampleId{0, 10 + b}));
  EXPECT_EQ(source_.evaluation_batch(10, 6, 7), batch);
  // Neither the seed of the run nor the batch size changes validation masks.
  const BatchSource other(packing_, {0.15, 0.8, 0.1, 100}, 6);
  EXPECT_EQ(other.evaluation_batch(10, 6, 7), batch);
  EXPECT_EQ(row_ids(other.evaluation_batch(12, 1, 7), 0), row_ids(batch, 2));
  EXPECT_NE(source_.evaluation_batch(10, 6, 8).masked_positions, batch.masked_positions);
  EXPECT_THROW(source_.evaluation_batch(source_.num_sequences() - 1, 2, 7), std::out_of_range);
  EXPECT_THROW(source_.batch(-1, 2), std::out_of_range);
}

}  // namespace
}  // namespace linformer
