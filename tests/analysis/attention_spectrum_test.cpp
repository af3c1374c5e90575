#include "linformer/analysis/attention_spectrum.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/tiny_model.h"

#include "linformer/core/error.h"
#include "linformer/core/stop_signal.h"

namespace linformer {
namespace {

using ::testing::DoubleNear;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<double> numbers(const at::Tensor& tensor) {
  const at::Tensor flat = tensor.contiguous();
  const double* begin = flat.const_data_ptr<double>();
  return {begin, begin + flat.numel()};
}

TEST(CumulativeSingularValues, ByHand) {
  // Singular values 4, 3, 1 in another order and sign: 4/8, 7/8, 8/8.
  const at::Tensor diagonal = at::diag(at::tensor({3., -1., 4.}, at::kDouble));
  EXPECT_THAT(numbers(cumulative_singular_values(diagonal)),
              ElementsAre(DoubleNear(0.5, 1e-12), DoubleNear(0.875, 1e-12), 1.0));
  // Two rows: at most two singular values. (3, 4, 0) and (0, 0, 1) are orthogonal: 5 and 1.
  const at::Tensor wide = at::tensor({3., 4., 0., 0., 0., 1.}, at::kDouble).view({2, 3});
  EXPECT_THAT(numbers(cumulative_singular_values(wide)),
              ElementsAre(DoubleNear(5.0 / 6, 1e-12), 1.0));
  EXPECT_THAT(numbers(cumulative_singular_values(wide.t())),
              ElementsAre(DoubleNear(5.0 / 6, 1e-12), 1.0));
}

TEST(CumulativeSingularValues, EqualRowsHaveRankOneAndTheIdentityHasNone) {
  const at::Tensor rows = at::tensor({.5, .25, .25}, at::kFloat).expand({4, 3});
  EXPECT_THAT(numbers(cumulative_singular_values(rows)), Each(DoubleNear(1.0, 1e-7)));
  EXPECT_THAT(
      numbers(cumulative_singular_values(at::eye(4))),
      ElementsAre(DoubleNear(0.25, 1e-12), DoubleNear(0.5, 1e-12), DoubleNear(0.75, 1e-12), 1.0));
}

InputRow row_of(std::vector<int32_t> ids) {
  InputRow row;
  row.attention_mask.assign(ids.size(), 1);
  row.input_ids = std::move(ids);
  return row;
}

const std::vector<InputRow>& rows() {
  static const std::vector<InputRow> kRows{row_of({0, 5, 7, 9, 6, 8, 5, 2}),
                                           row_of({0, 6, 6, 7, 8, 9, 7, 2})};
  return kRows;
}

TEST(AttentionSpectrum, IsTheMeanOverRows) {
  ModelConfig config = tiny_model();
  config.num_hidden_layers = 2;
  config.attention.type =
      OneOrMany<AttentionType>(std::vector{AttentionType::kStandard, AttentionType::kLinformer});
  const Model model(config, 3);
  const AttentionSpectrum both = attention_spectrum(model, rows());
  EXPECT_TRUE(both.complete);
  EXPECT_EQ(both.num_sequences, 2);
  ASSERT_EQ(both.layers.size(), 2u);
  EXPECT_EQ(both.layers[0].type, AttentionType::kStandard);
  EXPECT_THAT(both.layers[0].columns, ElementsAre(8, 8));
  EXPECT_EQ(both.layers[1].type, AttentionType::kLinformer);
  EXPECT_THAT(both.layers[1].columns, ElementsAre(3, 3));
  EXPECT_EQ(both.layers[1].rows, 8);
  const AttentionSpectrum first = attention_spectrum(model, {rows().data(), 1});
  const AttentionSpectrum second = attention_spectrum(model, {rows().data() + 1, 1});
  for (size_t l = 0; l < 2; ++l) {
    for (size_t h = 0; h < 2; ++h) {
      const std::vector<double>& mean = both.layers[l].cumulative[h];
      ASSERT_EQ(mean.size(), l == 0 ? 8u : 3u);
      EXPECT_NEAR(mean.back(), 1.0, 1e-12);
      for (size_t i = 0; i < mean.size(); ++i) {
        const double a = first.layers[l].cumulative[h][i];
        const double b = second.layers[l].cumulative[h][i];
        EXPECT_DOUBLE_EQ(mean[i], (a + b) / 2);
        EXPECT_GE(mean[i], i > 0 ? mean[i - 1] : 0.0);
      }
      EXPECT_NE(first.layers[l].cumulative[h][0], second.layers[l].cumulative[h][0]);
    }
  }
  std::vector<int64_t> layers_done;  // 2 layers of 2 rows
  attention_spectrum(model, rows(), [&](int64_t layers) { layers_done.push_back(layers); });
  EXPECT_THAT(layers_done, ElementsAre(1, 2, 3, 4));
  // Twice the same, bit by bit.
  EXPECT_EQ(attention_spectrum(model, rows()).layers[0].cumulative, both.layers[0].cumulative);
}

TEST(AttentionSpectrum, UniformAttentionHasOneSingularValue) {
  // Without a query every score is 0: every row of P is 1/n.
  const Model model(tiny_model(), 3);
  for (const char* name : {"weight", "bias"}) {
    model.parameters()
        .get("roberta.encoder.layer.0.attention.self.query." + std::string(name))
        .detach()
        .zero_();
  }
  const AttentionSpectrum spectrum = attention_spectrum(model, rows());
  for (const auto& cumulative : spectrum.layers[0].cumulative) {
    EXPECT_THAT(cumulative, Each(DoubleNear(1.0, 1e-6)));
  }
}

// Several threads of a decomposition can wait for each other forever (src/analysis/one_thread.h).
TEST(AttentionSpectrum, OfLargerMatricesOnTwoThreads) {
  ModelConfig config = tiny_model();
  config.max_sequence_length = 256;
  config.attention.type = AttentionType::kStandard;
  const Model model(config, 3);
  std::vector<int32_t> ids;
  for (int32_t i = 0; i < 256; ++i) ids.push_back(5 + (i * i) % 5);
  const std::vector<InputRow> row{row_of(ids)};
  const int threads = at::get_num_threads();
  at::set_num_threads(2);
  const AttentionSpectrum spectrum = attention_spectrum(model, row);
  EXPECT_EQ(at::get_num_threads(), 2);
  at::set_num_threads(threads);
  EXPECT_EQ(spectrum.layers[0].cumulative[1].size(), 256u);
}

TEST(AttentionSpectrum, StopsAtASignal) {
  const Model model(tiny_model(), 3);
  set_stop_signal(SIGTERM);
  const AttentionSpectrum spectrum = attention_spectrum(model, rows());
  set_stop_signal(0);
  EXPECT_FALSE(spectrum.complete);
  EXPECT_EQ(spectrum.num_sequences, 1);
}

TEST(AttentionSpectrum, RefusesNumbersThatAreNotFinite) {
  const Model model(tiny_model(), 3);
  model.parameters().all().front().tensor.detach().fill_(std::nan(""));
  EXPECT_THROW(attention_spectrum(model, rows()), RunError);
}

TEST(ValueAt, IsOneBeyondTheLast) {
  const std::vector<double> cumulative{0.5, 0.75, 1.0};
  EXPECT_EQ(value_at(cumulative, 1), 0.5);
  EXPECT_EQ(value_at(cumulative, 3), 1.0);
  EXPECT_EQ(value_at(cumulative, 9), 1.0);
}

TEST(SpacedIndices, HaveTheLastOne) {
  EXPECT_THAT(spaced_indices(4, 0), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(spaced_indices(4, 9), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(spaced_indices(8, 4), ElementsAre(2, 4, 6, 8));
  EXPECT_THAT(spaced_indices(10, 3), ElementsAre(3, 6, 10));
  EXPECT_THAT(spaced_indices(10, 1), ElementsAre(10));
  EXPECT_THAT(spaced_indices(0, 3), IsEmpty());
}

}  // namespace
}  // namespace linformer
