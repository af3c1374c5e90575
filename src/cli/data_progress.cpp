#include "data_progress.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include <unistd.h>

#include "linformer/core/format.h"
#include "linformer/core/log.h"
#include "linformer/core/quiet.h"
#include "linformer/metrics/percent.h"

namespace linformer {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace

DataProgress::DataProgress(std::string action, uint64_t total_bytes)
    : action_(std::move(action)),
      total_bytes_(total_bytes),
      terminal_(::isatty(STDERR_FILENO) == 1),
      start_(Clock::now()),
      last_(start_) {}

double DataProgress::seconds() const {
  return seconds_between(start_, Clock::now());
}

void DataProgress::update(uint64_t consumed_bytes, uint64_t text_bytes) {
  if (is_quiet()) return;
  const auto now = Clock::now();
  if (seconds_between(last_, now) < (terminal_ ? 0.2 : 10.0)) return;
  last_ = now;
  if (!terminal_) {
    log_info(line(consumed_bytes, text_bytes));
    return;
  }
  std::fprintf(stderr, "\r%s\x1b[K", line(consumed_bytes, text_bytes).c_str());
  std::fflush(stderr);
  shown_ = true;
}

void DataProgress::clear() {
  if (!shown_) return;
  std::fprintf(stderr, "\r\x1b[K");
  std::fflush(stderr);
  shown_ = false;
}

std::string DataProgress::line(uint64_t consumed_bytes, uint64_t text_bytes) const {
  const double elapsed = std::max(seconds(), 1e-9);
  std::string text = action_ + " | " + format_bytes(static_cast<double>(text_bytes)) + " | " +
                     format_fixed(static_cast<double>(text_bytes) / 1e6 / elapsed, 1) + " MB/s";
  if (total_bytes_ > 0 && consumed_bytes > 0) {
    const double share =
        std::min(1.0, static_cast<double>(consumed_bytes) / static_cast<double>(total_bytes_));
    text += " | " + percent_text(share, 0) + " | ETA " +
            format_duration(elapsed * (1.0 - share) / share);
  }
  return text;
}

}  // namespace linformer
