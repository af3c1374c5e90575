#include "linformer/train/session_limit.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <string_view>

#include "linformer/core/clock.h"
#include "linformer/core/log.h"

namespace linformer {
namespace {

std::optional<double> seconds_to_job_end() {
  const char* const value = std::getenv("SLURM_JOB_END_TIME");
  if (value == nullptr) return std::nullopt;
  const std::string_view text(value);
  int64_t end = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), end);
  if (error != std::errc() || rest != text.data() + text.size()) {
    log_warning("SLURM_JOB_END_TIME is no number of seconds ('" + std::string(text) +
                "'); set training.session_hours to be stopped in time");
    return std::nullopt;
  }
  // Wall clock against wall clock, once; from here on the trainer counts by a clock that nobody
  // sets.
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<double>(end) - std::chrono::duration<double>(now).count();
}

}  // namespace

std::optional<double> seconds_to_session_end(const TrainerConfig& config) {
  std::optional<double> end = seconds_to_job_end();
  if (config.training.session_hours) {
    const double given = *config.training.session_hours * kSecondsPerHour;
    end = end ? std::min(*end, given) : given;
  }
  if (!end) return std::nullopt;
  return *end - static_cast<double>(config.checkpoint.save_before_seconds);
}

}  // namespace linformer
