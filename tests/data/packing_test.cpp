#include "linformer/data/packing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/fixtures.h"

#include "linformer/core/error.h"
#include "linformer/core/special_tokens.h"

namespace linformer {
namespace {

using testing::ElementsAre;

std::vector<std::vector<int32_t>> pack(const Documents& documents, int64_t n) {
  const TokenDataset dataset = TokenDataset::from_memory(documents, 1, 100);
  const SequencePacking packing(dataset, {n});
  std::vector<std::vector<int32_t>> sequences;
  for (int64_t i = 0; i < packing.num_sequences(); ++i) sequences.push_back(packing.tokens(i));
  return sequences;
}

using Ids = std::vector<int32_t>;

TEST(Packing, PacksWholeSentencesAndSeparatesDocuments) {
  // n = 8 leaves 6. Document 0: 2 + 3 = 5 ids, the third sentence (2) does not fit. It begins
  // sequence 1: 2, then a separator and 3 of document 1 fill it: 2 + 1 + 3 = 6.
  EXPECT_THAT(
      pack({{{10, 11}, {12, 13, 14}, {15, 16}}, {{20, 21, 22}, {23}}}, 8),
      ElementsAre(Ids{0, 10, 11, 12, 13, 14, 2}, Ids{0, 15, 16, 2, 20, 21, 22, 2}, Ids{0, 23, 2}));
}

TEST(Packing, ADocumentThatBeginsASequenceHasNoSeparator) {
  // Sequence 0 is full (6 of 6) when the document ends.
  EXPECT_THAT(pack({{{10, 11, 12, 13, 14, 15}}, {{20}}}, 8),
              ElementsAre(Ids{0, 10, 11, 12, 13, 14, 15, 2}, Ids{0, 20, 2}));
  // 5 + separator + 1 = 7 > 6: the separator counts.
  EXPECT_THAT(pack({{{10, 11, 12, 13, 14}}, {{20}}}, 8),
              ElementsAre(Ids{0, 10, 11, 12, 13, 14, 2}, Ids{0, 20, 2}));
  // 4 + separator + 1 = 6 fits.
  EXPECT_THAT(pack({{{10, 11, 12, 13}}, {{20}}}, 8), ElementsAre(Ids{0, 10, 11, 12, 13, 2, 20, 2}));
}

TEST(Packing, CutsLongSentencesIntoPieces) {
  // n = 6 leaves 4: 9 ids are 4 + 4 + 1, and the rest takes the next sentence along.
  EXPECT_THAT(pack({{{9}, {10, 11, 12, 13, 14, 15, 16, 17, 18}, {19, 20}}}, 6),
              ElementsAre(Ids{0, 9, 2}, Ids{0, 10, 11, 12, 13, 2}, Ids{0, 14, 15, 16, 17, 2},
                          Ids{0, 18, 19, 20, 2}));
}

TEST(Packing, TheSmallestRoomHoldsOneToken) {
  EXPECT_THAT(pack({{{10, 11}}, {{12}}}, 3),
              ElementsAre(Ids{0, 10, 2}, Ids{0, 11, 2}, Ids{0, 12, 2}));
}

TEST(Packing, RefusesASequenceWithoutRoom) {
  const TokenDataset dataset = TokenDataset::from_memory({{{4}}}, 1, 100);
  EXPECT_THROW(SequencePacking(dataset, {2}), UsageError);
}

TEST(Packing, AnEmptyDataSetHasNoSequences) {
  const TokenDataset dataset = TokenDataset::from_memory({}, 0, 100);
  const SequencePacking packing(dataset, {8});
  EXPECT_EQ(packing.num_sequences(), 0);
  EXPECT_EQ(packing.fill(), 0.0);
  EXPECT_THROW(packing.tokens(0), std::out_of_range);
}

TEST(Packing, SaysWhereASequenceComesFrom) {
  const TokenDataset dataset =
      TokenDataset::from_memory({{{10, 11}, {12, 13, 14}, {15, 16}}, {{20, 21, 22}, {23}}}, 1, 100);
  const SequencePacking packing(dataset, {8});
  const SequenceSource source = packing.source(1);
  EXPECT_EQ(source.tokens, (IndexRange{5, 10}));
  EXPECT_EQ(source.sentences, (IndexRange{2, 4}));
  EXPECT_EQ(source.documents, (IndexRange{0, 2}));
  // Sequences of 7, 8 and 3 ids.
  EXPECT_EQ(packing.num_positions(), 18);
  EXPECT_DOUBLE_EQ(packing.fill(), 18.0 / 24.0);
  EXPECT_THROW(packing.source(3), std::out_of_range);
}

TEST(Packing, EveryTokenIsInOneSequenceWhateverTheShards) {
  const TemporaryFolder folder;
  const Documents documents = random_documents(11, 300, 100, 30);
  for (const int64_t n : {3, 8, 17, 64, 512}) {
    const auto sequences = pack(documents, n);
    std::vector<int32_t> ids;
    int64_t positions = 0;
    for (const auto& sequence : sequences) {
      ASSERT_LE(static_cast<int64_t>(sequence.size()), n);
      ASSERT_GE(sequence.size(), 3u);
      ASSERT_EQ(sequence.front(), kBosId);
      ASSERT_EQ(sequence.back(), kEosId);
      positions += static_cast<int64_t>(sequence.size());
      for (const int32_t id : sequence)
        if (id > kUnkId) ids.push_back(id);
    }
    EXPECT_EQ(ids, flatten(documents)) << n;

    const std::string prefix = folder.file("n" + std::to_string(n));
    write_shards(prefix, documents, 5, {100, 0, 0});
    const TokenDataset dataset = TokenDataset::open({prefix});
    const SequencePacking packing(dataset, {n});
    ASSERT_EQ(packing.num_sequences(), static_cast<int64_t>(sequences.size()));
    EXPECT_EQ(packing.num_positions(), positions);
    for (int64_t i = 0; i < packing.num_sequences(); ++i)
      ASSERT_EQ(packing.tokens(i), sequences[static_cast<size_t>(i)]) << i;
  }
}

}  // namespace
}  // namespace linformer
