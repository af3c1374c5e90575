#include "linformer/metrics/perplexity.h"

#include <cmath>

#include <gtest/gtest.h>

namespace linformer {
namespace {

TEST(NllTotals, PerplexityIsTheExpOfTheMeanOverAllTokens) {
  NllTotals totals;
  totals.add(2.0 * std::log(4.0), 2);       // two tokens with p = 1/4
  totals.add(NllTotals{std::log(2.0), 1});  // one with p = 1/2
  EXPECT_EQ(totals.masked_tokens, 3);
  // (4 * 4 * 2)^(1/3) = 32^(1/3) = 3.1748; the mean of the parts' perplexities would be 3
  EXPECT_NEAR(totals.perplexity(), std::cbrt(32.0), 1e-12);
}

TEST(NllTotals, AreNotANumberWithoutTokens) {
  EXPECT_TRUE(std::isnan(NllTotals{}.mean()));
  EXPECT_TRUE(std::isnan(NllTotals{}.perplexity()));
}

TEST(BitsPerByte, ScalesBitsPerTokenByTokensPerByte) {
  // 3 bits a token; 100 tokens stand for 400 bytes, so 3 / 4 bit a byte
  const NllTotals totals{50.0 * std::log(8.0), 50};
  EXPECT_NEAR(bits_per_byte(totals, 100, 400), 0.75, 1e-12);
  EXPECT_TRUE(std::isnan(bits_per_byte(totals, 100, 0)));
  EXPECT_TRUE(std::isnan(bits_per_byte(totals, 0, 400)));
}

}  // namespace
}  // namespace linformer
