#include "linformer/core/log.h"

#include <atomic>
#include <cerrno>
#include <deque>
#include <memory>
#include <mutex>

#include <fcntl.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/dist_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <unistd.h>

#include "linformer/core/error.h"
#include "linformer/core/recent_warnings.h"

namespace linformer {

namespace {

constexpr size_t kMostWarnings = 200;

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
    case LogLevel::kOff:
      return spdlog::level::off;
  }
  return spdlog::level::info;
}

struct Logging {
  std::shared_ptr<spdlog::sinks::stderr_color_sink_mt> standard_error;
  std::shared_ptr<spdlog::sinks::dist_sink_mt> all;  // sinks can join while other threads log
  std::unique_ptr<spdlog::logger> logger;
  std::atomic<bool> debug{false};

  Logging()
      : standard_error(std::make_shared<spdlog::sinks::stderr_color_sink_mt>()),
        all(std::make_shared<spdlog::sinks::dist_sink_mt>()) {
    standard_error->set_level(spdlog::level::info);
    all->add_sink(standard_error);
    logger = std::make_unique<spdlog::logger>("linformer", all);
    logger->set_level(spdlog::level::debug);
    logger->flush_on(spdlog::level::debug);
    logger->set_pattern("[%H:%M:%S] %^%l%$: %v");
  }
};

Logging& logging() {
  static Logging instance;
  return instance;
}

void log(spdlog::level::level_enum level, const std::string& message) {
  logging().logger->log(level, spdlog::string_view_t(message.data(), message.size()));
}

struct Warnings {
  std::mutex mutex;
  std::deque<std::string> recent;
};

Warnings& warnings() {
  static Warnings instance;
  return instance;
}

void remember(const std::string& message) {
  const std::lock_guard guard(warnings().mutex);
  warnings().recent.push_back(message);
  if (warnings().recent.size() > kMostWarnings) warnings().recent.pop_front();
}

}  // namespace

void set_log_level(LogLevel level) {
  logging().standard_error->set_level(spdlog_level(level));
  logging().debug = level == LogLevel::kDebug;
}

void log_debug(const std::string& message) {
  if (logging().debug) log(spdlog::level::debug, message);
}
void log_info(const std::string& message) {
  log(spdlog::level::info, message);
}
void log_warning(const std::string& message) {
  log(spdlog::level::warn, message);
  remember(message);
}
void log_error(const std::string& message) {
  log(spdlog::level::err, message);
}

std::vector<std::string> take_recent_warnings() {
  const std::lock_guard guard(warnings().mutex);
  std::vector<std::string> taken(warnings().recent.begin(), warnings().recent.end());
  warnings().recent.clear();
  return taken;
}

void add_log_file(const std::string& path) {
  // Opened here first, since spdlog's own exception would not say how to fix the problem.
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (descriptor < 0) fail_system(path, "cannot open the log file", errno);
  ::close(descriptor);
  try {
    auto sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(path);
    sink->set_pattern("[%Y-%m-%d %H:%M:%S] %l: %v");
    logging().all->add_sink(std::move(sink));
  } catch (const spdlog::spdlog_ex& error) {
    fail_run(path, std::string("cannot open the log file: ") + error.what(),
             "check the path and its file system");
  }
}

}  // namespace linformer
