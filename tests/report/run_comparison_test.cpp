#include "linformer/report/run_comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/markup_check.h"
#include "report/run_fixture.h"

#include "linformer/report/plot.h"

namespace linformer {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class RunComparisonTest : public ::testing::Test {
 protected:
  RunFolder run(const std::string& name, const RunSpec& spec = {}) const {
    return read_run_folder(write_run(folder_.file(name), spec));
  }

  TemporaryFolder folder_;
};

TEST_F(RunComparisonTest, NamesTellRunsApart) {
  EXPECT_THAT(short_names({run("a"), run("b")}), ElementsAre("a", "b"));
  EXPECT_THAT(short_names({run("x/seed-1"), run("y/seed-1")}), ElementsAre("x/seed-1", "y/seed-1"));
}

TEST_F(RunComparisonTest, ListsTheKeysThatDifferAndNoOther) {
  const auto found = differing_settings({run("a"), run("b", {.seed = "2", .hidden_size = "64"})});
  ASSERT_EQ(found.size(), 2u);  // the folder does not count
  EXPECT_EQ(found[0].key, "run.seed");
  EXPECT_THAT(found[0].values, ElementsAre("1", "2"));
  EXPECT_EQ(found[1].key, "model.hidden_size");
  EXPECT_THAT(found[1].values, ElementsAre("128", "64"));
  EXPECT_THAT(differing_settings({run("a"), run("c")}), IsEmpty());
}

TEST_F(RunComparisonTest, FiguresAreThoseOfTheLastLines) {
  const auto rows = final_figures({run("a"), run("b", {.steps = 60, .end = "signal"})});
  EXPECT_THAT(rows, Contains(ElementsAre("state", "finished", "stopped")));
  EXPECT_THAT(rows, Contains(ElementsAre("step", "100", "60")));
  EXPECT_THAT(rows, Contains(ElementsAre("tokens read", "100,000", "60,000")));
  EXPECT_THAT(rows, Contains(ElementsAre("training loss (nats)", "5.045", "5.445")));
  // Held out at steps 100 and 50: 6.5 - 1 and 6.5 - 0.5; exp(5.5) = 244.69, exp(6) = 403.43.
  EXPECT_THAT(rows, Contains(ElementsAre("held-out loss (nats)", "5.5", "6")));
  EXPECT_THAT(rows, Contains(ElementsAre("best held-out perplexity", "244.69", "403.43")));
  // Speeds are 2,010, 2,020, ...: the medians of ten and of six.
  EXPECT_THAT(rows, Contains(ElementsAre("tokens per second, median", "2,055", "2,035")));
}

TEST_F(RunComparisonTest, PageHasTablesAndCurvesOverStepsAndTokens) {
  const std::string page = comparison_page({run("one"), run("two", {.hidden_size = "64"})}, "cmd");
  EXPECT_THAT(markup_problems(page), IsEmpty());
  EXPECT_THAT(page,
              AllOf(HasSubstr("over steps"), HasSubstr("over tokens"), HasSubstr("cmd"),
                    HasSubstr("Comparison of one and two"), HasSubstr("thousand tokens read")));
  EXPECT_THAT(texts_of(page, "th"), Contains("model.hidden_size"));
}

TEST_F(RunComparisonTest, TakesAsManyRunsAsThereAreColours) {
  std::vector<RunFolder> runs;
  for (size_t i = 0; i <= num_plot_colors(); ++i) runs.push_back(run(std::to_string(i)));
  EXPECT_THROW(comparison_page(runs, ""), std::invalid_argument);
  runs.pop_back();
  EXPECT_NO_THROW(comparison_page(runs, ""));
}

}  // namespace
}  // namespace linformer
