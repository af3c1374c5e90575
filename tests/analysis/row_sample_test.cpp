#include "linformer/analysis/row_sample.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "text/fixtures.h"

namespace linformer {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

TEST(CutRow, KeepsTheEnd) {
  const InputRow row{{0, 10, 11, 12, 2}, {1, 1, 1, 1, 1}, {0, 0, 0, 1, 1}};
  EXPECT_EQ(cut_row(row, 4), (InputRow{{0, 10, 11, 2}, {1, 1, 1, 1}, {0, 0, 0, 1}}));
  EXPECT_EQ(cut_row(row, 5), row);
}

TEST(SamplePackedRows, AreFullAndCut) {
  // n = 8: packed into sequences of up to 16 ids with <s> and </s>. Sentences of 6 tokens: two fit
  // (14 ids), the fifth of the document is alone (8 ids); the next document joins it with a </s>.
  std::vector<std::vector<int32_t>> sentences(5, {10, 11, 12, 13, 14, 15});
  const TokenDataset dataset =
      TokenDataset::from_memory({sentences, {{20, 21}}, {{30, 31}}}, 100, 100);
  const RowSample all = sample_packed_rows(dataset, 8, 0);
  // 14, 14 and 6 + 1 + 2 + 1 + 2 + 2 = 14 ids
  EXPECT_EQ(all.num_read, 3);
  EXPECT_EQ(all.num_short, 0);
  EXPECT_EQ(all.num_cut, 3);
  EXPECT_EQ(all.longest, 14);
  ASSERT_THAT(all.rows, SizeIs(3));
  EXPECT_EQ(all.rows[0], (InputRow{{0, 10, 11, 12, 13, 14, 15, 2}, {1, 1, 1, 1, 1, 1, 1, 1}, {}}));
  EXPECT_THAT(all.rows[2].input_ids, ElementsAre(0, 10, 11, 12, 13, 14, 15, 2));
  const RowSample two = sample_packed_rows(dataset, 8, 2);
  EXPECT_EQ(two.num_read, 2);
  EXPECT_THAT(two.rows, SizeIs(2));
}

TEST(SamplePackedRows, LeavesShortRowsOut) {
  const TokenDataset dataset = TokenDataset::from_memory({{{10, 11, 12}}}, 10, 100);
  const RowSample sample = sample_packed_rows(dataset, 8, 0);
  EXPECT_THAT(sample.rows, SizeIs(0));
  EXPECT_EQ(sample.num_short, 1);
  EXPECT_EQ(sample.longest, 5);
}

TEST(SampleLabelledRows, LeavesShortRowsOutAndCutsLongOnes) {
  const Tokenizer& tokenizer = unigram_tokenizer();
  std::string words;
  for (int i = 0; i < 30; ++i) words += "the old house ";
  std::vector<LabelledExample> examples(4);
  examples[0].a = "short";
  examples[1].a = words;
  examples[2].a = words;
  examples[2].b = words;
  examples[3].a = words;
  const RowSample sample = sample_labelled_rows(examples, tokenizer, 16, 2, 2);
  EXPECT_EQ(sample.num_read, 3);
  EXPECT_EQ(sample.num_short, 1);
  EXPECT_EQ(sample.num_cut, 2);
  ASSERT_THAT(sample.rows, SizeIs(2));
  for (const InputRow& row : sample.rows) {
    EXPECT_THAT(row.input_ids, SizeIs(16));
    EXPECT_EQ(row.input_ids.back(), kEosId);
  }
  // As fine-tuning cuts them: the second text of a pair is segment 1.
  int64_t num_cut = 0;
  EXPECT_EQ(sample.rows[1],
            encode_texts_within(tokenizer, words, &words, {16, Truncation::kHead, 2}, num_cut));
  const EncoderInput input = single_row_input(sample.rows[1], true);
  EXPECT_EQ(input.input_ids.sizes(), (std::vector<int64_t>{1, 16}));
  EXPECT_FALSE(input.mask.defined());
  EXPECT_EQ(input.token_type_ids.sum().item<int64_t>(), 7);  // 6 tokens and </s>
}

}  // namespace
}  // namespace linformer
