#include "linformer/objectives/finetune_dry_run.h"

#include <filesystem>

#include "finetune_fixture.h"

#include "linformer/core/error.h"

namespace linformer {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

using FinetuneDryRunTest = FinetuneRunTest;

TEST_F(FinetuneDryRunTest, SaysWhatARunReadsAndCostsAndWritesNothing) {
  const std::string text = describe_finetuning(config("dry", {"finetune.epochs=3"}));
  // 240 rows in steps of 16, three times; texts have one to six words between <s> and </s>.
  EXPECT_THAT(
      text,
      AllOf(ContainsRegex("labels +bad, good"), ContainsRegex("training rows +240"),
            ContainsRegex("on average, [0-9]+ at most"), ContainsRegex("held out: dev +60 rows"),
            ContainsRegex("predicted: test +40 rows"), ContainsRegex("steps +45"),
            ContainsRegex("epochs +3\n"), HasSubstr("peak of tensors"), HasSubstr("to step 45")));
  EXPECT_FALSE(std::filesystem::exists(file("dry")));
}

TEST_F(FinetuneDryRunTest, CountsTheStepsThatAreAskedFor) {
  const std::string text = describe_finetuning(config("dry", {"training.max_steps=30"}));
  EXPECT_THAT(text, AllOf(ContainsRegex("steps +30"), ContainsRegex("epochs +2\n")));
  EXPECT_THAT(describe_finetuning(config("dry", {"input.max_length=8"})),
              ContainsRegex("rows cut to 8 tokens +[0-9]"));
}

TEST_F(FinetuneDryRunTest, RefusesWhatARunRefuses) {
  EXPECT_THROW(describe_finetuning(config("dry", {"run.init_from=" + file("none")})), Error);
  EXPECT_THROW(describe_finetuning(config("dry", {"task.label_column=colour"})), Error);
}

}  // namespace
}  // namespace linformer
