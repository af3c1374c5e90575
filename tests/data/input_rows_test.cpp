#include "linformer/data/input_rows.h"

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
  return read_input_rows(folder.file("rows.jsonl"), limits, nullptr);
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

}  // namespace
}  // namespace linformer
