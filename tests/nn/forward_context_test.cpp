#include "linformer/nn/forward_context.h"

#include <gtest/gtest.h>

namespace linformer {
namespace {

TEST(ForwardContext, EvaluationHasNoDropout) {
  ForwardContext evaluation;
  EXPECT_FALSE(evaluation.training());
  EXPECT_EQ(evaluation.next_dropout(0.5).probability, 0.0);
}

TEST(ForwardContext, SitesDifferAndRepeatWithTheKey) {
  ForwardContext a(7);
  ForwardContext b(7);
  ForwardContext other(8);
  const DropoutSite first = a.next_dropout(0.5);
  EXPECT_EQ(first.probability, 0.5);
  EXPECT_EQ(first.key, b.next_dropout(0.5).key);
  EXPECT_NE(first.key, a.next_dropout(0.5).key);
  EXPECT_NE(first.key, other.next_dropout(0.5).key);
}

}  // namespace
}  // namespace linformer
