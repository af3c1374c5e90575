#include "linformer/data/labelled_dataset.h"

#include <algorithm>
#include <set>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "text/fixtures.h"

#include "linformer/core/random.h"
#include "linformer/data/input_rows.h"

namespace linformer {
namespace {

/// Examples of 1 to 40 words, the target being the number of the example.
std::vector<LabelledExample> examples_of(int64_t count) {
  std::vector<LabelledExample> examples;
  RandomStream random(RandomPurpose::kTest, {17});
  const char* words[] = {"the", "cat", "river", "old", "sings", "mountain"};
  for (int64_t i = 0; i < count; ++i) {
    LabelledExample example;
    for (uint64_t n = 1 + random.below(40); n > 0; --n)
      example.a += std::string(words[random.below(6)]) + (n > 1 ? " " : ".");
    example.target = static_cast<float>(i);
    examples.push_back(example);
  }
  return examples;
}

LabelledDatasetOptions options_of(int64_t micro_batch_size, int64_t window_batches) {
  LabelledDatasetOptions options;
  options.micro_batch_size = micro_batch_size;
  options.window_batches = window_batches;
  return options;
}

std::vector<int32_t> row_of(const Batch& batch, int64_t b) {
  std::vector<int32_t> ids;
  for (int64_t i = 0; i < batch.length; ++i) {
    const auto place = static_cast<size_t>(b * batch.length + i);
    if (batch.attention_mask[place] != 0)
      ids.push_back(static_cast<int32_t>(batch.input_ids[place]));
  }
  return ids;
}

TEST(LabelledDataset, EncodesAsRoberta) {
  auto examples = examples_of(20);
  for (size_t i = 0; i < examples.size(); i += 2) examples[i].b = "The old river.";
  const Tokenizer& tokenizer = unigram_tokenizer();
  LabelledDatasetOptions options;
  options.threads = 3;
  const LabelledDataset dataset(examples, tokenizer, options);
  ASSERT_EQ(dataset.num_sequences(), 20);
  EXPECT_EQ(dataset.num_truncated(), 0);
  int64_t num_tokens = 0;
  for (int64_t position = 0; position < 20; ++position) {
    const Batch batch = dataset.batch(position, 1);
    const auto index = static_cast<size_t>(batch.samples[0].index);
    const LabelledExample& example = examples[index];
    EXPECT_EQ(row_of(batch, 0),
              encode_texts(tokenizer, example.a, example.b ? &*example.b : nullptr, 0).input_ids);
    EXPECT_EQ(batch.targets, std::vector<float>{example.target});
    num_tokens += batch.num_tokens;
  }
  EXPECT_EQ(dataset.num_tokens(), num_tokens);
}

TEST(LabelledDataset, SecondTextsAreSegment1OfAModelThatHasIt) {
  auto examples = examples_of(6);
  examples[1].b = "The old river.";
  LabelledDatasetOptions options;
  EXPECT_TRUE(LabelledDataset(examples, unigram_tokenizer(), options)
                  .evaluation_batch(0, 6)
                  .token_type_ids.empty());
  options.type_vocab_size = 2;
  const LabelledDataset dataset(examples, unigram_tokenizer(), options);
  const Batch batch = dataset.evaluation_batch(0, 6);
  ASSERT_EQ(batch.token_type_ids.size(), batch.input_ids.size());
  for (size_t b = 0; b < 6; ++b) {
    const auto first = batch.token_type_ids.begin() + static_cast<std::ptrdiff_t>(b * batch.length);
    const std::vector<int64_t> types(first, first + batch.length);
    std::vector<int64_t> expected(static_cast<size_t>(batch.length), 0);
    if (batch.samples[b].index == 1) {
      // <s> a </s></s> b </s>: b and its </s> are the second segment
      const size_t before = unigram_tokenizer().encode(examples[1].a).size() + 3;
      const size_t behind = unigram_tokenizer().encode(*examples[1].b).size() + 1;
      std::fill_n(expected.begin() + static_cast<std::ptrdiff_t>(before), behind, 1);
    }
    EXPECT_EQ(types, expected) << b;
  }
}

TEST(LabelledDataset, EveryExampleComesOnceAnEpoch) {
  // 101 rows, micro-batches of 7, windows of 3 or 64 of them: nothing divides anything.
  const auto examples = examples_of(101);
  for (const int64_t window : {1, 3, 64}) {
    const LabelledDataset dataset(examples, unigram_tokenizer(), options_of(7, window));
    for (int64_t epoch = 0; epoch < 4; ++epoch) {
      std::set<int64_t> seen;
      for (int64_t i = 0; i < 101; ++i) {
        const SampleId sample = dataset.sample(epoch * 101 + i);
        EXPECT_EQ(sample.epoch, epoch);
        seen.insert(sample.index);
      }
      EXPECT_EQ(seen.size(), 101u);
    }
  }
}

TEST(LabelledDataset, TinySetsWorkToo) {
  const auto examples = examples_of(3);
  const LabelledDataset dataset(examples, unigram_tokenizer(), options_of(8, 4));
  const Batch batch = dataset.batch(0, 8);  // 3 + 3 + 2 of three epochs
  ASSERT_EQ(batch.samples.size(), 8u);
  for (size_t start : {0, 3}) {
    std::set<int64_t> seen;
    for (size_t i = start; i < start + 3; ++i) seen.insert(batch.samples[i].index);
    EXPECT_EQ(seen.size(), 3u);
  }
}

TEST(LabelledDataset, WithoutGroupingTheOrderIsThatOfSampleAt) {
  const LabelledDataset dataset(examples_of(50), unigram_tokenizer(), options_of(8, 1));
  for (int64_t position = 0; position < 120; ++position)
    EXPECT_EQ(dataset.sample(position), sample_at(1, 50, position));
}

double padding_share(const LabelledDataset& dataset, int64_t size, int64_t num_batches) {
  int64_t tokens = 0, positions = 0;
  for (int64_t i = 0; i < num_batches; ++i) {
    const Batch batch = dataset.batch(i * size, size);
    tokens += batch.num_tokens;
    positions += batch.num_sequences * batch.length;
  }
  return 1.0 - static_cast<double>(tokens) / static_cast<double>(positions);
}

TEST(LabelledDataset, GroupingLeavesLessPadding) {
  const auto examples = examples_of(1003);
  const LabelledDataset plain(examples, unigram_tokenizer(), options_of(8, 1));
  const LabelledDataset grouped(examples, unigram_tokenizer(), options_of(8, 64));
  // Lengths are uniform up to 40 words: the longest of 8 is about 8/9 of the maximum, twice the
  // mean.
  EXPECT_GT(padding_share(plain, 8, 250), 0.35);
  EXPECT_LT(padding_share(grouped, 8, 250), 0.12);
}

TEST(LabelledDataset, TheOrderOfGroupsIsRandom) {
  const LabelledDataset dataset(examples_of(1000), unigram_tokenizer(), options_of(8, 64));
  // Sorted micro-batches would have 0 descents among the 63 steps of a window, random ones half.
  int64_t descents = 0;
  for (int64_t i = 1; i < 64; ++i)
    descents += dataset.batch(i * 8, 8).length < dataset.batch(i * 8 - 8, 8).length ? 1 : 0;
  EXPECT_GT(descents, 16);
  EXPECT_LT(descents, 48);
}

TEST(LabelledDataset, IsAFunctionOfPositionAndSeed) {
  const auto examples = examples_of(101);
  const LabelledDataset dataset(examples, unigram_tokenizer(), options_of(7, 3));
  const LabelledDataset same(examples, unigram_tokenizer(), options_of(7, 3));
  LabelledDatasetOptions other_seed = options_of(7, 3);
  other_seed.seed = 2;
  const LabelledDataset other(examples, unigram_tokenizer(), other_seed);
  // Backwards, so that nothing can depend on what was asked before.
  for (int64_t i = 40; i-- > 0;) EXPECT_EQ(dataset.batch(i * 7, 7), same.batch(i * 7, 7));
  EXPECT_NE(dataset.batch(0, 101).samples, other.batch(0, 101).samples);
  EXPECT_NE(dataset.batch(0, 101).samples, dataset.batch(101, 101).samples);
  // A larger batch is its parts.
  const Batch whole = dataset.batch(14, 14);
  const Batch half = dataset.batch(21, 7);
  EXPECT_TRUE(std::equal(half.samples.begin(), half.samples.end(), whole.samples.begin() + 7));
}

TEST(LabelledDataset, ThreadsGetTheSameBatches) {
  const LabelledDataset dataset(examples_of(301), unigram_tokenizer(), options_of(4, 5));
  std::vector<Batch> expected;
  for (int64_t i = 0; i < 200; ++i) expected.push_back(dataset.batch(i * 4, 4));
  std::vector<int> wrong(3, 0);
  {
    std::vector<std::jthread> threads;
    for (size_t t = 0; t < 3; ++t) {
      threads.emplace_back([&, t] {
        for (int64_t i = 0; i < 200; ++i) {
          const int64_t number = (i * 37 + static_cast<int64_t>(t) * 61) % 200;
          if (dataset.batch(number * 4, 4) != expected[static_cast<size_t>(number)]) ++wrong[t];
        }
      });
    }
  }
  EXPECT_THAT(wrong, ::testing::Each(0));
}

TEST(LabelledDataset, EvaluationFindsBackIntoTheFilesOrder) {
  const auto examples = examples_of(101);
  const LabelledDataset dataset(examples, unigram_tokenizer(), options_of(7, 3));
  ASSERT_EQ(dataset.num_evaluation_batches(16), 7);
  std::vector<float> predictions(101, -1.0F);
  int64_t last_length = dataset.longest() + 8;
  for (int64_t n = 0; n < 7; ++n) {
    const Batch batch = dataset.evaluation_batch(n, 16);
    EXPECT_EQ(batch.num_sequences, n < 6 ? 16 : 101 - 6 * 16);
    EXPECT_LE(batch.length, last_length);
    last_length = batch.length;
    for (size_t b = 0; b < batch.samples.size(); ++b)
      predictions[static_cast<size_t>(batch.samples[b].index)] = batch.targets[b];
  }
  for (size_t i = 0; i < examples.size(); ++i) EXPECT_EQ(predictions[i], examples[i].target);
  EXPECT_THROW(dataset.evaluation_batch(7, 16), std::out_of_range);
}

TEST(LabelledDataset, CutsLongTextsAndCountsThem) {
  const auto examples = examples_of(60);
  LabelledDatasetOptions options;
  options.max_sequence_length = 20;
  int64_t longer = 0;
  for (const LabelledExample& example : examples)
    longer +=
        encode_texts(unigram_tokenizer(), example.a, nullptr, 0).input_ids.size() > 20 ? 1 : 0;
  const LabelledDataset dataset(examples, unigram_tokenizer(), options);
  EXPECT_GT(longer, 10);
  EXPECT_EQ(dataset.num_truncated(), longer);
  EXPECT_EQ(dataset.longest(), 20);
}

TEST(LabelledDataset, TheFingerprintCoversIdsAndTargets) {
  auto examples = examples_of(10);
  const auto fingerprint = [&] {
    return LabelledDataset(examples, unigram_tokenizer(), {}).fingerprint();
  };
  const uint64_t original = fingerprint();
  EXPECT_EQ(fingerprint(), original);
  examples[3].target += 1.0F;
  EXPECT_NE(fingerprint(), original);
  examples[3].target -= 1.0F;
  examples[9].a += " more";
  EXPECT_NE(fingerprint(), original);
}

}  // namespace
}  // namespace linformer
