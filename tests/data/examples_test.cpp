#include "linformer/data/examples.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/temporary_folder.h"

#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"

namespace linformer {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class ExamplesTest : public testing::Test {
 protected:
  /// Vocabulary of 20, sequences up to 6.
  ExampleReader reader(const std::string& text) {
    write_file_atomically(path_, text);
    return ExampleReader(path_, 20, 6);
  }

  /// The message for a file whose second line is `line`.
  std::string refusal(const std::string& line) {
    ExampleReader examples =
        reader("{\"input_ids\": [0, 2], \"labels\": [-100, -100]}\n" + line + "\n");
    return message_of<RunError>([&] { examples.next(10); });
  }

  TemporaryFolder folder_;
  std::string path_ = folder_.file("examples.jsonl");
};

TEST_F(ExamplesTest, ReadsBatchesInOrder) {
  ExampleReader examples = reader(
      "{\"input_ids\": [0, 19, 5, 2], \"labels\": [-100, 7, 5, -100]}\n"
      "\n"
      "{\"labels\": [-100, -100, 9, -100, -100], \"input_ids\": [0, 8, 19, 2, 1], \"id\": \"x\"}\n"
      "{\"input_ids\": [0, 8, 3, 2], \"attention_mask\": [1, 0, 1, 1], \"labels\": "
      "[-100, -100, -100, 4]}");
  const auto first = examples.next(2);
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->num_sequences, 2);
  EXPECT_EQ(first->length, 6);  // 5, rounded up, but not past the model's 6
  EXPECT_THAT(first->input_ids, ElementsAre(0, 19, 5, 2, 1, 1, 0, 8, 19, 2, 1, 1));
  EXPECT_THAT(first->attention_mask, ElementsAre(1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 0));
  EXPECT_THAT(first->masked_positions, ElementsAre(1, 2, 8));
  EXPECT_THAT(first->masked_labels, ElementsAre(7, 5, 9));
  EXPECT_THAT(first->samples, ElementsAre(SampleId{0, 0}, SampleId{0, 1}));
  EXPECT_EQ(first->num_tokens, 8);
  const auto second = examples.next(2);
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(second->num_sequences, 1);
  EXPECT_THAT(second->input_ids, ElementsAre(0, 1, 3, 2, 1, 1));  // padding inside, too
  EXPECT_THAT(second->attention_mask, ElementsAre(1, 0, 1, 1, 0, 0));
  EXPECT_THAT(second->samples, ElementsAre(SampleId{0, 2}));
  EXPECT_FALSE(examples.next(2).has_value());
  EXPECT_EQ(examples.num_examples(), 3);
}

TEST_F(ExamplesTest, RefusesBadRowsByLine) {
  const std::string where = path_ + ":2: ";
  const auto has = [&](const std::string& what) {
    return AllOf(HasSubstr(where), HasSubstr(what), HasSubstr("\n  fix: "));
  };
  EXPECT_THAT(refusal("{\"input_ids\": [0, 2"), has("not valid JSON"));
  EXPECT_THAT(refusal("\xff\xfe"), has("not valid JSON"));
  EXPECT_THAT(refusal("[1, 2]"), has("not a JSON object"));
  EXPECT_THAT(refusal("{\"labels\": [1]}"), has("no key \"input_ids\""));
  EXPECT_THAT(refusal("{\"input_ids\": [1]}"), has("no key \"labels\""));
  EXPECT_THAT(refusal("{\"input_ids\": 4, \"labels\": [1]}"), has("\"input_ids\" is not a list"));
  EXPECT_THAT(refusal("{\"input_ids\": [0, 4.5], \"labels\": [1, 2]}"),
              has("input_ids[1] is 4.5, not a whole number"));
  // A number that wraps to -100 would be a label that is passed over.
  EXPECT_THAT(refusal("{\"input_ids\": [0, 4], \"labels\": [18446744073709551516, 4]}"),
              has("labels[0] is 18446744073709551516, too large a number"));
  EXPECT_THAT(refusal("{\"input_ids\": [18446744073709551617], \"labels\": [4]}"),
              has("not a whole number"));
  EXPECT_THAT(refusal("{\"input_ids\": [1e999], \"labels\": [4]}"), has("beyond the range"));
  EXPECT_THAT(refusal("{\"input_ids\": " + std::string(100'000, '[')), has("nested more than"));
  EXPECT_THAT(refusal("{\"input_ids\": [0, 20], \"labels\": [-100, 1]}"),
              has("input_ids[1] is 20, outside the vocabulary of 20"));
  EXPECT_THAT(refusal("{\"input_ids\": [-1, 2], \"labels\": [-100, 1]}"),
              has("input_ids[0] is -1"));
  EXPECT_THAT(refusal("{\"input_ids\": [0, 5], \"labels\": [-100, -1]}"),
              has("labels[1] is -1, outside the vocabulary"));
  EXPECT_THAT(refusal("{\"input_ids\": [0, 5], \"labels\": [-100]}"),
              has("labels has 1 entries, input_ids 2"));
  EXPECT_THAT(refusal("{\"input_ids\": [], \"labels\": []}"), has("input_ids is empty"));
  EXPECT_THAT(refusal("{\"input_ids\": [0,4,4,4,4,4,2], \"labels\": [1,1,1,1,1,1,1]}"),
              has("7 ids are more than the model's max_sequence_length of 6"));
  EXPECT_THAT(refusal("{\"input_ids\": [0, 5], \"attention_mask\": [1], \"labels\": [1, 1]}"),
              has("attention_mask has 1 entries"));
  EXPECT_THAT(refusal("{\"input_ids\": [0, 5], \"attention_mask\": [1, 2], \"labels\": [1, 1]}"),
              has("attention_mask[1] is 2"));
  EXPECT_THAT(refusal("{\"input_ids\": [0, 1], \"attention_mask\": [1, 1], \"labels\": [1, 1]}"),
              has("the id there is <pad>"));
  EXPECT_THAT(refusal("{\"input_ids\": [0, 5, 1], \"labels\": [-100, -100, 7]}"),
              has("labels[2] asks for a prediction on padding"));
  EXPECT_THAT(refusal("{\"input_ids\": [1, 1], \"labels\": [-100, -100]}"), has("padding only"));
}

TEST_F(ExamplesTest, RefusesFilesWithoutExamples) {
  ExampleReader empty = reader("\n  \n");
  EXPECT_THAT(message_of<RunError>([&] { empty.next(4); }), HasSubstr("holds no example"));
  EXPECT_THAT(message_of<UsageError>([&] { ExampleReader(folder_.file("none"), 20, 6); }),
              HasSubstr("No such file"));
  EXPECT_THAT(message_of<RunError>([&] { ExampleReader(folder_.path(), 20, 6); }),
              HasSubstr("this is a folder"));
}

}  // namespace
}  // namespace linformer
