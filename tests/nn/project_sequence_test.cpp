#include "linformer/nn/project_sequence.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "torch_test_support.h"

namespace linformer {
namespace {

TEST(ProjectSequence, MixesRows) {
  const at::Tensor E_KN = at::tensor({1., 0., 1., 0., 0., 1., 0., 2.}).view({2, 4});
  const at::Tensor x_BNC = at::tensor({1., 10., 2., 20., 3., 30., 4., 40.}).view({1, 4, 2});
  // row 0 = x0 + x2 = (4, 40); row 1 = x1 + 2 x3 = (10, 100)
  EXPECT_TRUE(
      at::equal(project_sequence(E_KN, x_BNC), at::tensor({4., 40., 10., 100.}).view({1, 2, 2})));
}

TEST(ProjectSequence, ShorterSequencesUseTheFirstColumns) {
  const at::Tensor E_KN = at::tensor({1., 5., 99., 2., 7., 99.}).view({2, 3});
  const at::Tensor x_BNC = at::tensor({1., 10.}).view({1, 2, 1});
  // 1 + 5 * 10 = 51; 2 + 7 * 10 = 72
  EXPECT_TRUE(at::equal(project_sequence(E_KN, x_BNC), at::tensor({51., 72.}).view({1, 2, 1})));
}

TEST(ProjectSequence, OneMatrixAHeadActsOnTheHeadsColumns) {
  const at::Tensor E_HKN = at::tensor({1., 1., 1., -1.}).view({2, 1, 2});
  const at::Tensor x_BNC = at::tensor({1., 2., 3., 4., 5., 6., 7., 8.}).view({1, 2, 4});
  // head 0: columns 0, 1 of both rows added; head 1: columns 2, 3 subtracted
  EXPECT_TRUE(
      at::equal(project_sequence(E_HKN, x_BNC), at::tensor({6., 8., -4., -4.}).view({1, 1, 4})));
}

TEST(ProjectBias, IsTheRowSumOverValidPositionsTimesTheBias) {
  const at::Tensor E_KN = at::tensor({1., 2., 4., 10., 20., 40.}).view({2, 3});
  const at::Tensor bias = at::tensor({1., 3.});
  // lengths 3 and 2: sums 7, 70 and 3, 30
  const at::Tensor mask = at::tensor({1, 1, 1, 1, 1, 0}).view({2, 3}).to(at::kBool);
  EXPECT_TRUE(at::equal(project_bias(E_KN, mask, 3, bias),
                        at::tensor({7., 21., 70., 210., 3., 9., 30., 90.}).view({2, 2, 2})));
  EXPECT_TRUE(
      at::equal(project_bias(E_KN, {}, 2, bias), at::tensor({3., 9., 30., 90.}).view({1, 2, 2})));
}

TEST(RescaleRows, UndoesTheShrinkingByPadding) {
  // |row| = 5 in full; the valid part (3, 0) has 3, (0) nothing
  const at::Tensor E_KN = at::tensor({3., 0., 4., 0., 0., 2.}, at::kDouble).view({2, 3});
  const at::Tensor projected = at::tensor({6., 9., 1., 1.}, at::kDouble).view({1, 2, 2});
  const at::Tensor scaled = rescale_rows(E_KN, {}, 2, projected);
  EXPECT_TRUE(at::allclose(scaled, at::tensor({10., 15., 0., 0.}, at::kDouble).view({1, 2, 2})));
  // nothing is padded: nothing changes
  EXPECT_TRUE(at::equal(rescale_rows(E_KN, {}, 3, projected), projected));
}

TEST(RescaleRows, GradientsMatchDifferences) {
  at::manual_seed(7);  // a row near zero has no derivative to compare with
  for (const int64_t heads : {0, 2}) {
    at::Tensor E =
        heads > 0 ? at::randn({heads, 2, 4}, at::kDouble) : at::randn({2, 4}, at::kDouble);
    const at::Tensor mask = at::tensor({1, 1, 1, 1, 0, 0}).view({2, 3}).to(at::kBool);
    testing::expect_gradients_match(
        [&](const std::vector<at::Tensor>& in) {
          return rescale_rows(in[0], mask, 3, in[1]).pow(2).sum();
        },
        {E, at::randn({2, 2, 4}, at::kDouble)});
  }
}

TEST(ProjectSequence, GradientsMatchDifferences) {
  for (const int64_t heads : {0, 2}) {
    const at::Tensor x = at::randn({2, 3, 4}, at::kDouble);
    const at::Tensor E =
        heads > 0 ? at::randn({heads, 2, 5}, at::kDouble) : at::randn({2, 5}, at::kDouble);
    testing::expect_gradients_match(
        [](const std::vector<at::Tensor>& in) {
          return project_sequence(in[0], in[1]).pow(2).sum();
        },
        {E, x});
  }
}

}  // namespace
}  // namespace linformer
