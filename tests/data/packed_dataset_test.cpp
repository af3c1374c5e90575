#include "linformer/data/packed_dataset.h"

#include <filesystem>
#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/fixtures.h"

#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"
#include "linformer/core/mapped_file.h"

namespace linformer {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kVocabSize = 100;

PackedDatasetOptions options() {
  return {{16, Packing::kFullSentences}, {.mlm_probability = 0.15}, 5};
}

class PackedDatasetTest : public ::testing::Test {
 protected:
  PackedDatasetTest() {
    write_shards(prefix("a"), random_documents(1, 40, kVocabSize), 2, {kVocabSize, 7, 0});
    write_shards(prefix("b"), random_documents(2, 15, kVocabSize), 1, {kVocabSize, 7, 0});
  }
  std::string prefix(const std::string& name) const { return folder_.file(name); }
  std::unique_ptr<PackedDataset> open(const std::vector<double>& weights) const {
    return PackedDataset::open({prefix("a"), prefix("b")}, weights, 7, options());
  }

  TemporaryFolder folder_;
};

TEST_F(PackedDatasetTest, WithoutWeightsThePrefixesAreOneCorpus) {
  const auto data = open({});
  EXPECT_EQ(data->num_corpora(), 1);
  const auto plain = TokenDataset::open({prefix("a"), prefix("b")}, 7);
  EXPECT_EQ(data->fingerprint(), plain.fingerprint());
  EXPECT_EQ(data->unigram_counts(), plain.unigram_counts());
  EXPECT_EQ(data->num_tokens(), plain.num_tokens());
}

TEST_F(PackedDatasetTest, EachCorpusHasItsShareAndItsOwnEpochs) {
  const auto data = open({0.25, 0.75});
  ASSERT_EQ(data->num_corpora(), 2);
  const int64_t size_b = data->packing(1).num_sequences();
  ASSERT_LT(size_b, data->packing(0).num_sequences());
  // 4 / 3 of b's size in positions are one epoch of b.
  std::map<int64_t, std::set<int64_t>> seen;  // of b, by epoch
  int64_t from_b = 0;
  const int64_t positions = 4 * size_b;  // three epochs of b
  for (int64_t position = 0; position < positions; ++position) {
    const SampleId sample = data->batches().sample(position);
    if (sample.corpus != 1) continue;
    EXPECT_EQ(sample.epoch, from_b / size_b);
    EXPECT_TRUE(seen[sample.epoch].insert(sample.index).second);
    ++from_b;
  }
  EXPECT_EQ(from_b, 3 * size_b);
  for (const auto& [epoch, indices] : seen) {
    EXPECT_EQ(static_cast<int64_t>(indices.size()), size_b) << epoch;
  }
}

TEST_F(PackedDatasetTest, BatchesHoldTheSequencesOfTheirCorpora) {
  const auto data = open({0.5, 0.5});
  const Batch batch = data->batches().batch(0, 20);
  int64_t from_b = 0;
  for (size_t row = 0; row < batch.samples.size(); ++row) {
    const SampleId sample = batch.samples[row];
    EXPECT_EQ(sample, data->batches().sample(static_cast<int64_t>(row)));
    const std::vector<int32_t> ids = data->packing(sample.corpus).tokens(sample.index);
    std::vector<int64_t> shown(
        batch.input_ids.begin() + static_cast<int64_t>(row) * batch.length,
        batch.input_ids.begin() + static_cast<int64_t>(row + 1) * batch.length);
    for (size_t i = 0; i < batch.masked_positions.size(); ++i) {
      const int64_t place = batch.masked_positions[i] - static_cast<int64_t>(row) * batch.length;
      if (place >= 0 && place < batch.length) {
        shown[static_cast<size_t>(place)] = batch.masked_labels[i];
      }
    }
    EXPECT_EQ(
        std::vector<int64_t>(ids.begin(), ids.end()),
        std::vector<int64_t>(shown.begin(), shown.begin() + static_cast<int64_t>(ids.size())));
    from_b += sample.corpus;
  }
  EXPECT_EQ(from_b, 10);
  // Reading on from any position is the same stream.
  EXPECT_EQ(data->batches().batch(7, 1).samples.front(), batch.samples[7]);
}

TEST_F(PackedDatasetTest, TheFirstCorpusKeepsTheRunsOrder) {
  const auto mixed = open({0.5, 0.5});
  const auto alone = PackedDataset::open({prefix("a")}, {}, 7, options());
  std::vector<SampleId> from_a;
  for (int64_t position = 0; from_a.size() < 20; ++position) {
    const SampleId sample = mixed->batches().sample(position);
    if (sample.corpus == 0) from_a.push_back(sample);
  }
  for (size_t i = 0; i < from_a.size(); ++i) {
    EXPECT_EQ(from_a[i], alone->batches().sample(static_cast<int64_t>(i)));
  }
}

TEST_F(PackedDatasetTest, WeightsArePartOfItsIdentity) {
  const uint64_t halves = open({0.5, 0.5})->fingerprint();
  EXPECT_NE(halves, open({0.6, 0.4})->fingerprint());
  EXPECT_NE(halves, open({})->fingerprint());
  EXPECT_EQ(halves, open({2.0, 2.0})->fingerprint());
}

TEST_F(PackedDatasetTest, UnigramsAreThoseThatTheRunReads) {
  const auto data = open({0.25, 0.75});
  const auto a = data->dataset(0).unigram_counts();
  const auto b = data->dataset(1).unigram_counts();
  const auto mixed = data->unigram_counts();
  const auto all = static_cast<double>(data->num_tokens());
  for (size_t id = 0; id < mixed.size(); ++id) {
    const double share =
        0.25 * static_cast<double>(a[id]) / static_cast<double>(data->dataset(0).num_tokens()) +
        0.75 * static_cast<double>(b[id]) / static_cast<double>(data->dataset(1).num_tokens());
    EXPECT_NEAR(static_cast<double>(mixed[id]), share * all, 1.0) << id;  // each part is rounded
  }
}

TEST_F(PackedDatasetTest, AShardThatIsCutWhileItIsReadIsNamed) {
  // A shard of several pages, cut at any place of it: rows of it are refused, never wrong.
  write_shards(prefix("long"), random_documents(3, 2000, kVocabSize), 2, {kVocabSize, 7, 0});
  const std::string cut = shard_path(prefix("long"), 1);
  const auto size = std::filesystem::file_size(cut);
  const std::string whole = read_text_file(cut);
  for (int part = 0; part < 8; ++part) {
    write_file_atomically(cut, whole);
    const auto data = PackedDataset::open({prefix("a"), prefix("long")}, {}, 7, options());
    const auto expected = data->batches().batch(0, data->num_sequences());
    std::filesystem::resize_file(cut, size * static_cast<size_t>(part) / 8);
    int64_t refused = 0;
    for (int64_t position = 0; position < data->num_sequences(); ++position) {
      try {
        const Batch batch = data->batches().batch(position, 1);
        EXPECT_EQ(batch.samples.front(), expected.samples[static_cast<size_t>(position)]);
      } catch (const LostBytesError& error) {
        EXPECT_THAT(error.what(), HasSubstr(cut));
        ++refused;
      }
    }
    // Those of the other shards are read as before.
    EXPECT_GT(refused, data->num_sequences() / 3);
    EXPECT_LT(refused, data->num_sequences());
  }
}

TEST_F(PackedDatasetTest, RefusesAnEmptyCorpus) {
  write_shards(prefix("empty"), {}, 1, {kVocabSize, 7, 0});
  EXPECT_THAT(message_of<RunError>([&] {
                PackedDataset::open({prefix("a"), prefix("empty")}, {0.5, 0.5}, 7, options());
              }),
              HasSubstr("no token"));
}

}  // namespace
}  // namespace linformer
