#include "linformer/report/progress.h"

#include <cstdlib>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace linformer {
namespace {

/// What `use` prints on a stream.
std::string printed(const std::function<void(std::FILE*)>& use) {
  char* text = nullptr;
  size_t size = 0;
  std::FILE* stream = open_memstream(&text, &size);
  use(stream);
  std::fclose(stream);
  const std::string result(text, size);
  std::free(text);
  return result;
}

TEST(FormatProgress, ShowsWhatIsKnown) {
  TrainingProgress progress;
  progress.step = 1200;
  progress.loss = 4.1234;
  progress.perplexity = 61.77;
  progress.learning_rate = 4.8e-4;
  progress.tokens_per_second = 3549.6;
  EXPECT_EQ(format_progress(progress),
            "step 1,200 | loss 4.123 | ppl 61.77 | lr 4.80e-04 | 3,550 tok/s");
  progress.total_steps = 10000;
  progress.perplexity = 1234.56;
  progress.mfu = 0.542;
  progress.eta_seconds = 3723;
  EXPECT_EQ(format_progress(progress),
            "step 1,200/10,000 | loss 4.123 | ppl 1234.6 | lr 4.80e-04 | 3,550 tok/s | "
            "54 % MFU | ETA 1h 02m 03s");
}

TEST(ProgressLine, RewritesOneLineOnATerminal) {
  const std::string text = printed([](std::FILE* stream) {
    ProgressLine line(stream, ProgressLine::Mode::kTerminal);
    line.update("one");
    line.update("two");
    line.clear();
    line.clear();
    std::fputs("note\n", stream);
    line.update("three");
  });
  EXPECT_EQ(text, "\r\x1b[Kone\r\x1b[Ktwo\r\x1b[Knote\n\r\x1b[Kthree\n");
}

TEST(ProgressLine, PrintsEveryNthPlainLineAndTheLast) {
  const std::string text = printed([](std::FILE* stream) {
    ProgressLine line(stream, ProgressLine::Mode::kPlain, 3);
    for (const char* update : {"1", "2", "3", "4", "5"}) line.update(update);
  });
  EXPECT_EQ(text, "1\n4\n5\n");
}

TEST(ProgressLine, AStreamWithoutTerminalIsPlain) {
  std::FILE* stream = std::tmpfile();
  ASSERT_NE(stream, nullptr);
  EXPECT_FALSE(ProgressLine(stream).is_terminal());
  std::fclose(stream);
}

/// What a WorkProgress prints whose clock is set by hand: {seconds, done} each.
std::string printed_work(ProgressLine::Mode mode, int64_t total,
                         const std::vector<std::pair<double, int64_t>>& updates) {
  return printed([&](std::FILE* stream) {
    double now = 100.0;
    WorkProgress progress("predicting test", total, "rows", stream, mode, [&now] { return now; });
    for (const auto& [seconds, done] : updates) {
      now = 100.0 + seconds;
      progress.update(done);
    }
  });
}

TEST(WorkProgress, SaysHowFarAndHowLongOnATerminalAndLeavesNothing) {
  // 250 of 1,000 rows took 5 s, so the other 750 take 15 s.
  EXPECT_EQ(printed_work(ProgressLine::Mode::kTerminal, 1000, {{5.0, 250}}),
            "\r\x1b[Kpredicting test: 250 of 1,000 rows | 25 % | ETA 15.0s\r\x1b[K");
}

TEST(WorkProgress, WritesALineEveryTenSecondsToAFile) {
  std::vector<std::pair<double, int64_t>> updates;
  for (int second = 1; second <= 25; ++second) updates.emplace_back(second, 10 * second);
  EXPECT_EQ(printed_work(ProgressLine::Mode::kPlain, 1000, updates),
            "predicting test: 100 of 1,000 rows | 10 % | ETA 1m 30s\n"
            "predicting test: 200 of 1,000 rows | 20 % | ETA 1m 20s\n");
  EXPECT_EQ(printed_work(ProgressLine::Mode::kPlain, 1000, {{2.0, 900}, {3.0, 1000}}), "");
}

TEST(WorkProgress, OfAnUnknownTotalSaysTheSpeed) {
  EXPECT_EQ(printed_work(ProgressLine::Mode::kPlain, 0, {{10.0, 500}}),
            "predicting test: 500 rows | 50 a second\n");
}

}  // namespace
}  // namespace linformer
