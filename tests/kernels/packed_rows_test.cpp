#include "linformer/kernels/packed_rows.h"

#include <stdexcept>

#include "torch_test_support.h"

namespace linformer {
namespace {

using testing::expect_gradients_match;

at::Tensor numbers(std::initializer_list<int64_t> values) {
  return at::tensor(std::vector<int64_t>(values), at::kLong);
}

TEST(PackedRows, FirstRowsByHand) {
  // Three sequences of 4 positions, of which 2, 0 and 3 are rows.
  const PackedRows rows = first_rows({2, 0, 3}, 4);
  EXPECT_EQ(rows.starts, (std::vector<int64_t>{0, 2, 2, 5}));
  EXPECT_EQ(rows.num_sequences(), 3);
  EXPECT_EQ(rows.num_rows(), 5);
  EXPECT_FALSE(rows.are_all());
  EXPECT_TRUE(at::equal(rows.numbers, numbers({0, 1, 8, 9, 10})));
  EXPECT_FALSE(rows.positions.defined());
  EXPECT_TRUE(
      at::equal(rows.mask.to(at::kLong).flatten(), numbers({1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0})));
  const at::Tensor x = at::tensor({1., 2., 3., 4., 5.}).unsqueeze(1);
  const at::Tensor padded =
      at::tensor({1., 2., 0., 0., 0., 0., 0., 0., 3., 4., 5., 0.}).view({3, 4, 1});
  EXPECT_TRUE(at::equal(pad_rows(x, rows), padded));
  EXPECT_TRUE(at::equal(unpad_rows(padded, rows), x));
}

TEST(PackedRows, ChosenRowsByHand) {
  // Three sequences of 5: positions 1 and 4, none, 0, 2 and 3.
  const PackedRows rows = chosen_rows({1, 4, 10, 12, 13}, 3, 5);
  EXPECT_EQ(rows.starts, (std::vector<int64_t>{0, 2, 2, 5}));
  EXPECT_EQ(rows.most, 3);
  EXPECT_TRUE(at::equal(rows.numbers, numbers({1, 4, 10, 12, 13})));
  EXPECT_TRUE(at::equal(rows.positions, numbers({1, 4, 0, 2, 3})));
  EXPECT_TRUE(at::equal(rows.places, numbers({0, 1, 6, 7, 8})));
  const at::Tensor x = at::tensor({1., 2., 3., 4., 5.}).unsqueeze(1);
  const at::Tensor padded = at::tensor({1., 2., 0., 0., 0., 0., 3., 4., 5.}).view({3, 3, 1});
  EXPECT_TRUE(at::equal(pad_rows(x, rows), padded));
  EXPECT_TRUE(at::equal(unpad_rows(padded, rows), x));
}

TEST(PackedRows, OfTheWholeBatchMoveNothing) {
  for (const PackedRows& rows : {all_rows(2, 3), first_rows({3, 3}, 3)}) {
    EXPECT_TRUE(rows.are_all());
    EXPECT_EQ(rows.starts, (std::vector<int64_t>{0, 3, 6}));
    const at::Tensor x = at::randn({6, 4});
    EXPECT_TRUE(pad_rows(x, rows).is_alias_of(x));
    EXPECT_EQ(pad_rows(x, rows).sizes(), (std::vector<int64_t>{2, 3, 4}));
    EXPECT_TRUE(at::equal(unpad_rows(pad_rows(x, rows), rows), x));
  }
}

TEST(PackedRows, WithoutRowsHaveOnePlaceEach) {
  const PackedRows rows = chosen_rows({}, 2, 4);
  EXPECT_EQ(rows.num_rows(), 0);
  EXPECT_EQ(pad_rows(at::empty({0, 3}), rows).sizes(), (std::vector<int64_t>{2, 1, 3}));
}

TEST(PackedRows, OutsideOfTheBatchAreRefused) {
  EXPECT_THROW(chosen_rows({8}, 2, 4), std::logic_error);
  EXPECT_THROW(chosen_rows({-1, 3}, 2, 4), std::logic_error);
}

TEST(PackedRows, GradientsMatchFiniteDifferences) {
  at::manual_seed(2);
  const PackedRows rows = first_rows({2, 0, 3}, 4);
  const at::Tensor upstream = at::randn({3, 4, 2}, at::kDouble);
  expect_gradients_match(
      [&](const auto& in) { return (pad_rows(in[0], rows).square() * upstream).sum(); },
      {at::randn({5, 2}, at::kDouble)});
  expect_gradients_match(
      [&](const auto& in) {
        return (unpad_rows(in[0], rows).square() * upstream.flatten(0, 1).narrow(0, 0, 5)).sum();
      },
      {at::randn({3, 4, 2}, at::kDouble)});
}

}  // namespace
}  // namespace linformer
