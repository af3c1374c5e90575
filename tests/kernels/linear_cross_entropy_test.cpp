#include "linformer/kernels/linear_cross_entropy.h"

#include <optional>

#include "kernels/reference_path.h"
#include "torch_test_support.h"

namespace linformer {
namespace {

using testing::expect_gradients_match;
using testing::relative_difference;

TEST(LinearCrossEntropy, HandComputed) {
  // logits (0, ln 3): probabilities 1/4, 3/4; labels 0 and 1: ln 4 + ln(4/3)
  const at::Tensor hidden = at::tensor({1.0, 1.0}, at::kDouble).view({2, 1});
  const at::Tensor weight = at::tensor({0.0, std::log(3.0)}, at::kDouble).view({2, 1});
  const at::Tensor labels = at::tensor({0, 1}, at::kLong);
  const double loss =
      linear_cross_entropy(hidden, weight, at::zeros({2}, at::kDouble), labels).item<double>();
  EXPECT_NEAR(loss, std::log(4.0) + std::log(4.0 / 3.0), 1e-14);
}

TEST(LinearCrossEntropy, UntrainedHeadStartsNearTheUniformDistribution) {
  // The five-step trace of the official code starts at 15.893 bits with 50,000 words and N(0, 0.02)
  // weights on normalised hidden states of width 768; log2(50,000) = 15.61.
  at::manual_seed(12);
  const at::Tensor hidden = at::layer_norm(at::randn({614, 768}), {768});
  const at::Tensor weight = at::randn({50000, 768}) * 0.02;
  const at::Tensor labels = at::randint(50000, {614}, at::kLong);
  const at::NoGradGuard no_grad;
  const double bits =
      linear_cross_entropy(hidden, weight, at::zeros({50000}), labels).item<double>() / 614 /
      std::log(2.0);
  EXPECT_NEAR(bits, 15.893, 0.02 * 15.893);
}

TEST(LinearCrossEntropy, GradientsMatchFiniteDifferences) {
  at::manual_seed(13);
  const at::Tensor labels = at::tensor({3, 0, 4, 4}, at::kLong);
  expect_gradients_match(
      [&](const auto& in) { return linear_cross_entropy(in[0], in[1], in[2], labels) * 1.5; },
      {at::randn({4, 3}, at::kDouble), at::randn({5, 3}, at::kDouble),
       at::randn({5}, at::kDouble)});
}

TEST(LinearCrossEntropy, IgnoredRowsCountNothing) {
  at::manual_seed(15);
  const at::Tensor labels =
      at::tensor({kIgnoredLabel, int64_t{3}, kIgnoredLabel, int64_t{0}}, at::kLong);
  const at::Tensor kept = at::tensor({1, 3}, at::kLong);
  for (const at::ScalarType type : {at::kFloat, at::kDouble}) {
    for (const bool reference : {false, true}) {
      std::optional<ReferencePath> path;
      if (reference) path.emplace();
      const auto leaf = [&](at::IntArrayRef shape) {
        return at::randn(shape, type).set_requires_grad(true);
      };
      const at::Tensor hidden = leaf({4, 3});
      const at::Tensor weight = leaf({5, 3});
      const at::Tensor bias = leaf({5});
      const at::Tensor all = linear_cross_entropy(hidden, weight, bias, labels);
      const at::Tensor some = linear_cross_entropy(hidden.index_select(0, kept), weight, bias,
                                                   labels.index_select(0, kept));
      EXPECT_NEAR(all.item<double>(), some.item<double>(), 1e-6);
      const auto of_all = torch::autograd::grad({all}, {hidden, weight, bias});
      const auto of_some = torch::autograd::grad({some}, {hidden, weight, bias});
      for (size_t i = 0; i < of_all.size(); ++i) {
        EXPECT_LT(relative_difference(of_all[i], of_some[i]), 1e-6) << i;
      }
      EXPECT_TRUE(at::equal(of_all[0][0], at::zeros({3}, type)));
      const RowScores scores =
          linear_cross_entropy_scores(hidden.detach(), weight.detach(), bias.detach(), labels);
      EXPECT_EQ(scores.losses[0].item<double>(), 0.0);
    }
  }
}

TEST(LinearCrossEntropy, ManyPiecesEqualTheWholeAtOnce) {
  at::manual_seed(14);
  // 400 rows x 100,000 words are three pieces
  at::Tensor hidden = at::randn({400, 8}).set_requires_grad(true);
  at::Tensor weight = at::randn({100000, 8}).set_requires_grad(true);
  at::Tensor bias = at::randn({100000}).set_requires_grad(true);
  const at::Tensor labels = at::randint(100000, {400}, at::kLong);
  const at::Tensor loss = linear_cross_entropy(hidden, weight, bias, labels);
  const auto ours = torch::autograd::grad({loss}, {hidden, weight, bias});
  const auto whole = [&](at::ScalarType type) {
    std::vector<at::Tensor> inputs;
    for (const at::Tensor& one : {hidden, weight, bias}) {
      inputs.push_back(one.detach().to(type).set_requires_grad(true));
    }
    const at::Tensor logits = at::addmm(inputs[2], inputs[0], inputs[1].t());
    const at::Tensor sum = at::cross_entropy_loss(logits, labels, {}, at::Reduction::Sum);
    auto gradients = torch::autograd::grad({sum}, inputs);
    gradients.push_back(sum.detach());
    return gradients;
  };
  // How far single precision is from double depends on the CPU's products: 400 rows, 100,000 words.
  const auto exact = whole(at::kDouble), single = whole(at::kFloat);
  EXPECT_NEAR(loss.item<double>(), exact[3].item<double>(), 1e-5 * exact[3].item<double>());
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_LT(relative_difference(ours[i], exact[i]),
              2.0 * relative_difference(single[i], exact[i]) + 1e-6)
        << i;
  }
  const at::Tensor rows = linear_cross_entropy_rows(hidden, weight, bias, labels);
  EXPECT_NEAR(rows.sum(at::kDouble).item<double>(), loss.item<double>(), 1e-2);
}

TEST(LinearCrossEntropy, TheBestWordHasTheLargestLogit) {
  // logits of h = 1: 2, 1 + 2, 3, -1; of h = -1: -2, -1 + 2, -3, 1. Equal ones: the first.
  const at::Tensor hidden = at::tensor({1.0F, -1.0F}).view({2, 1});
  const at::Tensor weight = at::tensor({2.0F, 1.0F, 3.0F, -1.0F}).view({4, 1});
  const at::Tensor bias = at::tensor({0.0F, 2.0F, 0.0F, 0.0F});
  const at::Tensor labels = at::tensor({0, 3}, at::kLong);
  const RowScores scores = linear_cross_entropy_scores(hidden, weight, bias, labels);
  EXPECT_TRUE(at::equal(scores.best, at::tensor({1, 1}, at::kLong)));
  EXPECT_TRUE(at::equal(scores.losses, linear_cross_entropy_rows(hidden, weight, bias, labels)));
}

TEST(LinearCrossEntropy, BestWordsOfManyPieces) {
  at::manual_seed(15);
  const at::Tensor hidden = at::randn({400, 8});
  const at::Tensor weight = at::randn({100000, 8});
  const at::Tensor labels = at::randint(100000, {400}, at::kLong);
  const RowScores scores = linear_cross_entropy_scores(hidden, weight, at::zeros({100000}), labels);
  const at::Tensor logits = at::mm(hidden, weight.t());
  // Products in another order may swap words that are equal but for rounding.
  const at::Tensor chosen = logits.gather(1, scores.best.unsqueeze(1)).squeeze(1);
  EXPECT_LT(relative_difference(chosen, logits.amax(1)), 1e-5);
}

TEST(LinearCrossEntropy, NoRowsGiveZero) {
  const at::Tensor loss = linear_cross_entropy(at::empty({0, 4}), at::randn({6, 4}), at::zeros({6}),
                                               at::empty({0}, at::kLong));
  EXPECT_EQ(loss.item<float>(), 0.0f);
}

TEST(LinearCrossEntropy, NotANumberReachesTheLoss) {
  at::Tensor hidden = at::zeros({2, 4});
  hidden[1][2] = std::numeric_limits<float>::quiet_NaN();
  const at::Tensor loss = linear_cross_entropy(hidden, at::randn({9, 4}), at::zeros({9}),
                                               at::tensor({1, 2}, at::kLong));
  EXPECT_TRUE(std::isnan(loss.item<float>()));
  const RowScores scores = linear_cross_entropy_scores(hidden, at::randn({9, 4}), at::zeros({9}),
                                                       at::tensor({1, 2}, at::kLong));
  EXPECT_TRUE(std::isnan(scores.losses[1].item<float>()));
  EXPECT_GE(scores.best[1].item<int64_t>(), 0);
  EXPECT_LT(scores.best[1].item<int64_t>(), 9);
}

}  // namespace
}  // namespace linformer
