#include "linformer/metrics/unigram_model.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "linformer/metrics/perplexity.h"

namespace linformer {
namespace {

TEST(UnigramModel, SmoothsCountsByOne) {
  const std::vector<int64_t> counts{3, 0, 1};
  const UnigramModel model(counts);
  // (3 + 1) / (4 + 3), (0 + 1) / 7, (1 + 1) / 7
  EXPECT_EQ(model.vocab_size(), 3);
  EXPECT_NEAR(std::exp(-model.nll(0)), 4.0 / 7.0, 1e-15);
  EXPECT_NEAR(std::exp(-model.nll(1)), 1.0 / 7.0, 1e-15);
  EXPECT_NEAR(std::exp(-model.nll(2)), 2.0 / 7.0, 1e-15);
}

TEST(UnigramModel, WithoutCountsIsUniform) {
  const std::vector<int64_t> counts(8, 0);
  const UnigramModel model(counts);
  NllTotals totals;
  for (int64_t id = 0; id < 8; ++id) totals.add(model.nll(id), 1);
  EXPECT_NEAR(totals.perplexity(), 8.0, 1e-12);
}

}  // namespace
}  // namespace linformer
