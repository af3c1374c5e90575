#include "linformer/data/input_rows.h"

#include <algorithm>
#include <numeric>
#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/temporary_folder.h"
#include "text/fixtures.h"

#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"

namespace linformer {
namespace {

using ::testing::HasSubstr;

std::vector<InputRow> read(const std::string& text, const InputLimits& limits = {50, 8, 0}) {
  const TemporaryFolder folder;
  write_file_atomically(folder.file("rows.jsonl"), text);
  return read_input_rows(folder.file("rows.jsonl"), limits, nullptr).rows;
}

std::string refusal(const std::string& text, const InputLimits& limits = {50, 8, 0}) {
  return message_of<RunError>([&] { read(text, limits); });
}

TEST(InputRows, ReadsIdsMasksAndSegments) {
  const auto rows = read(
      "{\"input_ids\": [0, 7, 2, 1]}\n\n"
      "{\"input_ids\": [0, 7, 2], \"attention_mask\": [0, 1, 1], "
      "\"token_type_ids\": [0, 0, 1]}\n",
      {50, 8, 2});
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0], (InputRow{{0, 7, 2, 1}, {1, 1, 1, 0}, {}}));
  EXPECT_EQ(rows[1], (InputRow{{0, 7, 2}, {0, 1, 1}, {0, 0, 1}}));
}

TEST(InputRows, NamesTheLineThatIsWrong) {
  EXPECT_THAT(refusal("{\"input_ids\": [0, 2]}\n{\"input_ids\": [50]}\n"),
              HasSubstr("rows.jsonl:2: input_ids[0] is 50, outside the vocabulary"));
  EXPECT_THAT(refusal("{}"), HasSubstr("has neither text nor input_ids"));
  EXPECT_THAT(refusal("{\"text\": \"a\", \"input_ids\": [0]}"), HasSubstr("has both"));
  EXPECT_THAT(refusal("{\"text\": \"a\"}"), HasSubstr("has no tokenizer.model"));
  EXPECT_THAT(refusal("{\"input_ids\": [0, 3, 3, 3, 3, 3, 3, 3, 2]}"),
              HasSubstr("9 ids are more than the model's max_sequence_length of 8"));
  EXPECT_THAT(refusal("{\"input_ids\": [0], \"token_type_ids\": [1]}"),
              HasSubstr("token_type_ids[0] is 1, the model has 0 segments"));
  EXPECT_THAT(refusal("{\"input_ids\": [0], \"token_type_ids\": [0, 0]}"), HasSubstr("2 entries"));
  EXPECT_THAT(refusal("\n"), HasSubstr("holds no row"));
  EXPECT_THAT(refusal("[1]"), HasSubstr("not a JSON object"));
}

TEST(InputRows, TextsAreEncodedAsRobertas) {
  const Tokenizer& tokenizer = unigram_tokenizer();
  std::vector<int32_t> a = tokenizer.encode("A cat.");
  std::vector<int32_t> b = tokenizer.encode("A dog.");
  std::vector<int32_t> single{0};
  single.insert(single.end(), a.begin(), a.end());
  single.push_back(2);
  std::vector<int32_t> pair = single;
  pair.push_back(2);
  const size_t second = pair.size();
  pair.insert(pair.end(), b.begin(), b.end());
  pair.push_back(2);
  const std::string other = "A dog.";
  EXPECT_EQ(encode_texts(tokenizer, "A cat.", nullptr, 2).input_ids, single);
  const InputRow row = encode_texts(tokenizer, "A cat.", &other, 2);
  EXPECT_EQ(row.input_ids, pair);
  EXPECT_EQ(row.token_type_ids[second - 1], 0);
  EXPECT_EQ(row.token_type_ids[second], 1);
  EXPECT_TRUE(encode_texts(tokenizer, "A cat.", &other, 0).token_type_ids.empty());
}

TEST(InputRows, TruncationKeepsTheEndsAskedFor) {
  const auto kept = [](int64_t count, Truncation truncation) {
    std::vector<int32_t> ids{0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    truncate_tokens(ids, count, truncation);
    return ids;
  };
  EXPECT_EQ(kept(4, Truncation::kHead), (std::vector<int32_t>{0, 1, 2, 3}));
  EXPECT_EQ(kept(4, Truncation::kTail), (std::vector<int32_t>{6, 7, 8, 9}));
  // (6 + 2) / 4 = 2 from the beginning, 4 from the end
  EXPECT_EQ(kept(6, Truncation::kHeadTail), (std::vector<int32_t>{0, 1, 6, 7, 8, 9}));
  EXPECT_EQ(kept(10, Truncation::kHeadTail).size(), 10u);
  EXPECT_EQ(kept(99, Truncation::kTail).size(), 10u);
  // 510 of 512 are text: 128 and 382, as in the paper.
  std::vector<int32_t> ids(1000);
  std::iota(ids.begin(), ids.end(), 0);
  truncate_tokens(ids, 510, Truncation::kHeadTail);
  EXPECT_EQ(ids[127], 127);
  EXPECT_EQ(ids[128], 1000 - 382);
}

// Numbers of tokens that stay of texts of `a` and `b` tokens.
std::pair<size_t, size_t> kept_of_pair(size_t a, size_t b, int64_t max_sequence_length) {
  const Tokenizer& tokenizer = unigram_tokenizer();
  const auto words = [&](size_t count) {
    std::string text;
    for (size_t i = 0; i < count; ++i) text += i > 0 ? " the" : "the";
    EXPECT_EQ(tokenizer.encode(text).size(), count);
    return text;
  };
  int64_t num_truncated = 0;
  const std::string second = words(b);
  const InputRow row = encode_texts_within(
      tokenizer, words(a), &second, {max_sequence_length, Truncation::kHead, 2}, num_truncated);
  const bool fits = a + b + 4 <= static_cast<size_t>(max_sequence_length);
  EXPECT_EQ(num_truncated, fits ? 0 : 1);
  const auto segment_1 =
      static_cast<size_t>(std::count(row.token_type_ids.begin(), row.token_type_ids.end(), 1));
  return {row.input_ids.size() - segment_1 - 3, segment_1 - 1};
}

TEST(InputRows, PairsLoseTheTokensOfTheLongerText) {
  using Kept = std::pair<size_t, size_t>;
  EXPECT_EQ(kept_of_pair(3, 5, 12), Kept(3, 5));   // 8 + 4 fit
  EXPECT_EQ(kept_of_pair(3, 9, 12), Kept(3, 5));   // only the second is cut
  EXPECT_EQ(kept_of_pair(9, 3, 12), Kept(5, 3));   // only the first
  EXPECT_EQ(kept_of_pair(9, 9, 12), Kept(4, 4));   // both
  EXPECT_EQ(kept_of_pair(5, 5, 13), Kept(5, 4));   // of equal ones the second goes first
  EXPECT_EQ(kept_of_pair(5, 10, 13), Kept(5, 4));  // 10 to 5, then the second again
  EXPECT_EQ(kept_of_pair(10, 5, 13), Kept(5, 4));  // 10 to 5, then equal
  EXPECT_EQ(kept_of_pair(10, 4, 13), Kept(5, 4));  // 10 to 5
  EXPECT_EQ(kept_of_pair(4, 10, 13), Kept(4, 5));
}

// Removing one token at a time, as transformers documents it.
TEST(InputRows, PairTruncationEqualsTheLoop) {
  for (size_t a = 1; a < 12; ++a) {
    for (size_t b = 1; b < 12; ++b) {
      for (int64_t limit = 8; limit < 16; ++limit) {
        size_t x = a, y = b;
        while (x + y + 4 > static_cast<size_t>(limit)) --(x > y ? x : y);
        EXPECT_EQ(kept_of_pair(a, b, limit), std::pair(x, y)) << a << " " << b << " " << limit;
      }
    }
  }
}

TEST(InputRows, ALimitLeavesRoomForText) {
  int64_t num_truncated = 0;
  EXPECT_THROW(encode_texts_within(unigram_tokenizer(), "a", nullptr, {7}, num_truncated),
               std::invalid_argument);
  EXPECT_EQ(encode_texts_within(unigram_tokenizer(), "A cat sings on the old mountain.", nullptr,
                                {8}, num_truncated)
                .input_ids.size(),
            8u);
  EXPECT_EQ(num_truncated, 1);
}

}  // namespace
}  // namespace linformer
