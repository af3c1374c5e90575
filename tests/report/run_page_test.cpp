#include "linformer/report/run_page.h"

#include <cstdlib>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/markup_check.h"
#include "report/run_fixture.h"

#include "linformer/report/expected_band.h"

namespace linformer {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST(RunPage, HasCurvesEventsEnvironmentAndConfiguration) {
  const TemporaryFolder folder;
  const std::string path = write_run(folder.file("a"));
  write_bytes(path + "/journal.jsonl",
              read_bytes(path + "/journal.jsonl") +
                  "{\"event\":\"warning\",\"step\":50,\"text\":\"<careful> & slow\"}\n"
                  "{\"event\":\"started\",\"step\":60,\"device\":\"cuda:0\","
                  "\"precision\":\"bf16\"}\n{\"event\":\"ended\",\"reason\":\"finished\"}\n");
  const std::string page = run_page(read_run_folder(path), std::nullopt, "a command");
  EXPECT_THAT(markup_problems(page), IsEmpty());
  EXPECT_THAT(texts_of(page, "h2"),
              AllOf(Contains(HasSubstr("Curves")), Contains(HasSubstr("Events"))));
  EXPECT_THAT(texts_of(page, "td"),
              AllOf(Contains("<careful> & slow"), Contains("resumed"), Contains("saved")));
  EXPECT_THAT(texts_of(page, "p"), Contains(HasSubstr("step 100 of 100")));
  EXPECT_THAT(page, AllOf(HasSubstr("model.hidden_size"), HasSubstr("a command"),
                          HasSubstr("tokens per second"), HasSubstr("learning rate"),
                          HasSubstr("perplexity"), HasSubstr("nats per masked token")));
}

TEST(RunPage, SaysWhetherTheRunIsInsideTheBand) {
  const TemporaryFolder folder;
  std::vector<RunFolder> runs;
  for (const std::string seed : {"1", "2", "3"}) {
    const double loss = 5.8 + 0.1 * std::stod(seed);
    runs.push_back(read_run_folder(write_run(folder.file(seed), {.seed = seed, .loss = loss})));
  }
  const ExpectedCurve expected = expected_curve(runs, "name");
  const std::string inside = run_page(runs[0], expected, "");
  EXPECT_THAT(markup_problems(inside), IsEmpty());
  EXPECT_THAT(inside, HasSubstr("inside the expected band at all 4 comparisons"));
  const RunFolder worse = read_run_folder(write_run(folder.file("w"), {.loss = 9.0}));
  EXPECT_THAT(run_page(worse, expected, ""), HasSubstr("outside the expected band at 4 of 4"));
}

TEST(RunPage, OfARunWithoutALineIsAPageToo) {
  const TemporaryFolder folder;
  const std::string path = write_run(folder.file("a"), {.steps = 0, .end = ""});
  const std::string page = run_page(read_run_folder(path), std::nullopt, "");
  EXPECT_THAT(markup_problems(page), IsEmpty());
  EXPECT_THAT(page, HasSubstr("ended without a word"));
}

TEST(WriteRunPage, IsForTheProcessThatHoldsTheLockAndNeverThrows) {
  const TemporaryFolder folder;
  const std::string path = write_run(folder.file("a"));
  EXPECT_TRUE(write_run_page(path));
  EXPECT_THAT(read_bytes(run_page_path(path)), HasSubstr("linformer-report run " + path));
  EXPECT_FALSE(write_run_page(folder.file("none")));
  const std::string before = std::getenv("PATH");
  ::setenv("PATH", folder.path().c_str(), 1);
  fs::remove(run_page_path(path));
  testing::internal::CaptureStderr();
  EXPECT_FALSE(write_run_page(path));
  ::setenv("PATH", before.c_str(), 1);
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_THAT(text, AllOf(HasSubstr("is not written"), HasSubstr("gnuplot")));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  EXPECT_FALSE(fs::exists(run_page_path(path)));
}

}  // namespace
}  // namespace linformer
