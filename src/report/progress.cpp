#include "linformer/report/progress.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include <sys/ioctl.h>
#include <unistd.h>

#include "linformer/core/format.h"
#include "linformer/core/quiet.h"
#include "linformer/core/utf8.h"
#include "linformer/metrics/percent.h"

namespace linformer {
namespace {

std::string scientific(double value) {
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), "%.2e", value);
  return text.data();
}

/// A number with four to five digits in total.
std::string format_perplexity(double value) {
  if (!std::isfinite(value)) return "-";
  if (value >= 1e6) return scientific(value);
  return value >= 100.0 ? format_fixed(value, 1) : format_fixed(value, 2);
}

/// A line that is longer than the terminal is wide would go on in a second one, which nothing
/// erases.
std::string fitted(const std::string& text, std::FILE* stream) {
  struct winsize size {};
  if (::ioctl(fileno(stream), TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return text;
  const size_t room = size.ws_col - 1U;
  return text.size() <= room ? text : text.substr(0, utf8_boundary_before(text, room));
}

constexpr const char* kEraseLine = "\r\x1b[K";

}  // namespace

std::string format_progress(const TrainingProgress& progress) {
  std::string text = "step ";
  const auto add = [&text](const char* before, const std::string& value, const char* after) {
    text.append(before).append(value).append(after);
  };
  add("", format_count(progress.step), "");
  if (progress.total_steps) add("/", format_count(*progress.total_steps), "");
  add(" | loss ", std::isfinite(progress.loss) ? format_fixed(progress.loss, 3) : "-", "");
  if (progress.perplexity) add(" | ppl ", format_perplexity(*progress.perplexity), "");
  add(" | lr ", scientific(progress.learning_rate), "");
  add(" | ", format_count(std::llround(progress.tokens_per_second)), " tok/s");
  if (progress.mfu) add(" | ", percent_text(*progress.mfu, 0), " MFU");
  if (progress.eta_seconds) add(" | ETA ", format_duration(*progress.eta_seconds), "");
  return text;
}

ProgressLine::ProgressLine(std::FILE* stream, Mode mode, int64_t plain_every)
    : stream_(stream),
      terminal_(mode == Mode::kTerminal ||
                (mode == Mode::kAutomatic && isatty(fileno(stream)) == 1)),
      plain_every_(plain_every) {}

ProgressLine::~ProgressLine() {
  finish();
}

void ProgressLine::update(const std::string& text) {
  if (is_quiet()) return;
  if (terminal_) {
    std::fprintf(stream_, "%s%s", kEraseLine, fitted(text, stream_).c_str());
    drawn_ = true;
  } else if (updates_ % plain_every_ == 0) {
    std::fprintf(stream_, "%s\n", text.c_str());
    unprinted_.clear();
  } else {
    unprinted_ = text;
  }
  ++updates_;
  std::fflush(stream_);
}

void ProgressLine::clear() {
  if (!drawn_) return;
  std::fputs(kEraseLine, stream_);
  std::fflush(stream_);
  drawn_ = false;
}

void ProgressLine::finish() {
  if (drawn_) std::fputc('\n', stream_);
  if (!unprinted_.empty()) std::fprintf(stream_, "%s\n", unprinted_.c_str());
  unprinted_.clear();
  drawn_ = false;
  std::fflush(stream_);
}

WorkProgress::WorkProgress(std::string what, int64_t total, std::string unit, std::FILE* stream,
                           ProgressLine::Mode mode, std::function<double()> seconds)
    : what_(std::move(what)),
      unit_(std::move(unit)),
      total_(total),
      seconds_(std::move(seconds)),
      start_(seconds_()),
      last_(start_),
      line_(stream, mode) {}

WorkProgress::~WorkProgress() {
  line_.clear();
}

void WorkProgress::update(int64_t done) {
  update_share(done, total_ > 0
                         ? std::optional(static_cast<double>(done) / static_cast<double>(total_))
                         : std::nullopt);
}

void WorkProgress::update(int64_t done, int64_t total) {
  total_ = total;
  update(done);
}

void WorkProgress::update_share(int64_t done, std::optional<double> share) {
  constexpr double kTerminalSeconds = 0.2, kPlainSeconds = 10.0;
  const double now = seconds_();
  if (now - last_ < (line_.is_terminal() ? kTerminalSeconds : kPlainSeconds)) return;
  last_ = now;
  line_.update(text(done, share, now - start_));
}

std::string WorkProgress::text(int64_t done, std::optional<double> share, double elapsed) const {
  std::string text = what_ + ": " + format_count(done);
  if (total_ > 0) text += " of " + format_count(total_);
  text += " " + unit_;
  if (share && *share > 0.0) {
    const double part = std::min(1.0, *share);
    text +=
        " | " + percent_text(part, 0) + " | ETA " + format_duration(elapsed * (1.0 - part) / part);
  } else if (!share && elapsed > 0.0) {
    text += " | " + format_number(static_cast<double>(done) / elapsed, 3) + " a second";
  }
  return text;
}

}  // namespace linformer
