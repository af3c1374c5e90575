#include "linformer/report/progress.h"

#include <array>
#include <cmath>

#include <unistd.h>

#include "linformer/core/format.h"
#include "linformer/core/quiet.h"

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
  if (progress.mfu) add(" | ", format_fixed(100.0 * *progress.mfu, 0), "% MFU");
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
    std::fprintf(stream_, "%s%s", kEraseLine, text.c_str());
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

}  // namespace linformer
