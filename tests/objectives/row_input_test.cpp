#include "linformer/objectives/row_input.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace linformer {
namespace {

EncoderInput input_of(const std::vector<InputRow>& rows, bool segments) {
  std::vector<const InputRow*> pointers;
  for (const InputRow& row : rows) pointers.push_back(&row);
  return row_input(pointers, segments);
}

TEST(RowInput, PadsOnTheRight) {
  const EncoderInput input =
      input_of({{{0, 7, 2}, {1, 1, 1}, {0, 1, 1}}, {{0, 7, 8, 9, 2}, {1, 1, 1, 1, 1}, {}}}, true);
  EXPECT_TRUE(input.input_ids.equal(at::tensor({0, 7, 2, 1, 1, 0, 7, 8, 9, 2}).view({2, 5})));
  EXPECT_TRUE(input.mask.to(at::kLong).equal(
      at::tensor({1, 1, 1, 0, 0, 1, 1, 1, 1, 1}, at::kLong).view({2, 5})));
  EXPECT_TRUE(input.token_type_ids.equal(
      at::tensor({0, 1, 1, 0, 0, 0, 0, 0, 0, 0}, at::kLong).view({2, 5})));
}

TEST(RowInput, HasNoMaskWhereNothingIsPadding) {
  const std::vector<InputRow> rows{{{0, 7, 2}, {1, 1, 1}, {}}, {{0, 8, 2}, {1, 1, 1}, {}}};
  const EncoderInput input = input_of(rows, false);
  EXPECT_FALSE(input.mask.defined());
  EXPECT_FALSE(input.token_type_ids.defined());
  // padding that a row brings itself counts
  EXPECT_TRUE(input_of({{{1, 0, 2}, {0, 1, 1}, {}}}, false).mask.defined());
}

}  // namespace
}  // namespace linformer
