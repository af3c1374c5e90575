#include "linformer/objectives/dry_run.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "train/tiny_run.h"

#include "linformer/core/format.h"
#include "linformer/nn/model_cost.h"

namespace linformer {
namespace {

using ::testing::HasSubstr;

TEST(DescribeRun, SaysWhatARunCostsAndWritesNothing) {
  const TinyRun tiny;
  PretrainConfig config = tiny.config("run");
  const std::string text = describe_run(config);
  EXPECT_THAT(text, HasSubstr(format_count(count_parameters(config.model).total())));
  EXPECT_THAT(text, HasSubstr(format_count(12 * 8 * 24)));  // tokens, padding counted
  for (const char* word : {"gradients", "optimizer", "activations", "epochs",
                           "the run, without evaluations", "libraries included", "linear"}) {
    EXPECT_THAT(text, HasSubstr(word));
  }
  EXPECT_FALSE(std::filesystem::exists(config.run.dir));
}

}  // namespace
}  // namespace linformer
