#include "linformer/train/session_limit.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "linformer/core/clock.h"
#include "linformer/core/error.h"
#include "linformer/core/log.h"

namespace linformer {
namespace {

/// Seconds since 1970 that a variable of the environment names, if it is set.
std::optional<int64_t> time_from(const char* variable) {
  const char* const value = std::getenv(variable);
  if (value == nullptr) return std::nullopt;
  const std::string_view text(value);
  int64_t time = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), time);
  if (error != std::errc() || rest != text.data() + text.size()) {
    log_warning(std::string(variable) + " is not a number of seconds ('" + std::string(text) +
                "'); set training.session_hours to be stopped in time");
    return std::nullopt;
  }
  return time;
}

std::optional<double> seconds_to_job_end(int64_t save_before_seconds) {
  const std::optional<int64_t> end = time_from("SLURM_JOB_END_TIME");
  if (!end) return std::nullopt;
  const std::optional<int64_t> begin = time_from("SLURM_JOB_START_TIME");
  if (begin && *begin <= *end && *end - *begin <= save_before_seconds) {
    fail_usage("checkpoint.save_before_seconds",
               std::to_string(save_before_seconds) + " of the job's " +
                   std::to_string(*end - *begin) +
                   " seconds: each job would end before its first step",
               "ask for longer jobs, or lower it");
  }
  // Wall clock against wall clock, once; from here on the trainer counts by a clock that nobody
  // sets.
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<double>(*end) - std::chrono::duration<double>(now).count();
}

}  // namespace

std::optional<double> seconds_to_session_end(const TrainerConfig& config) {
  std::optional<double> end = seconds_to_job_end(config.checkpoint.save_before_seconds);
  if (config.training.session_hours) {
    const double given = *config.training.session_hours * kSecondsPerHour;
    end = end ? std::min(*end, given) : given;
  }
  if (!end) return std::nullopt;
  return *end - static_cast<double>(config.checkpoint.save_before_seconds);
}

}  // namespace linformer
