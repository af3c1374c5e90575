#include "linformer/report/remaining_time.h"

#include <algorithm>

namespace linformer {

void RemainingTime::mark(int64_t done, double clock) {
  if (!marks_.empty() && done == marks_.back().done) return;
  if (!marks_.empty() && done < marks_.back().done) marks_.clear();
  if (marks_.empty()) begin_ = done;
  marks_.push_back({done, clock});
  const int64_t middle = begin_ + (done - begin_) / 2;
  while (marks_.size() > 2 && marks_[1].done <= middle) marks_.pop_front();
}

std::optional<double> RemainingTime::seconds_to(int64_t total) const {
  if (marks_.size() < 2) return std::nullopt;
  const Mark& from = marks_.front();
  const Mark& last = marks_.back();
  const double seconds_each =
      (last.clock - from.clock) / static_cast<double>(last.done - from.done);
  return seconds_each * static_cast<double>(std::max<int64_t>(0, total - last.done));
}

}  // namespace linformer
