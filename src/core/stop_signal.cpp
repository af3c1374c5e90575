#include "linformer/core/stop_signal.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <ctime>
#include <iterator>

#include <unistd.h>

namespace linformer {

namespace {

constexpr int kSignalBase = 128;
// A failed write is reported as an error; a signal would end the program before anything is saved.
constexpr int kWriteSignals[] = {SIGPIPE, SIGXFSZ};

// Lock-free atomics are the only shared state that signal handlers and threads may both access.
std::atomic<int> requested{0};
std::atomic<int64_t> first_at{-1};  // time of the first signal
std::atomic<bool> deferred{false};
std::atomic<bool> save_requested{false};
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<int64_t>::is_always_lock_free &&
              std::atomic<bool>::is_always_lock_free);

/// as they were before install_signals()
struct sigaction found_stop[std::size(kStopSignals)];
struct sigaction found_write[std::size(kWriteSignals)];
bool installed = false;

int64_t monotonic_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);  // allowed in a handler, unlike std::chrono
  return now.tv_sec;
}

extern "C" void on_stop_signal(int signal_number) {
  const int error = errno;
  if (!deferred.load()) ::_exit(kSignalBase + signal_number);
  const int64_t now = monotonic_seconds();
  int64_t first = -1;
  if (first_at.compare_exchange_strong(first, now)) {
    requested.store(signal_number);
  } else if (signal_number == SIGINT && now - first >= kRepeatSeconds) {
    ::signal(signal_number, SIG_DFL);
    ::raise(signal_number);  // delivered when this handler returns
  }
  errno = error;
}

extern "C" void on_save_signal(int) {
  save_requested.store(true);
}

void set_action(int signal_number, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  // Restart: an interrupted read of a text file must not look like the end of the file.
  action.sa_flags = SA_RESTART;
  if (::sigaction(signal_number, &action, nullptr) != 0)
    fail_system("signal " + std::to_string(signal_number), "cannot be caught", errno);
}

/// Whether the caller that started the program wants it to survive this signal (nohup). Shells
/// ignore SIGINT for background jobs; a SIGINT sent on purpose still counts.
bool stays_ignored(int signal_number, const struct sigaction& found) {
  return (signal_number == SIGHUP || signal_number == SIGXCPU) && found.sa_handler == SIG_IGN;
}

}  // namespace

void install_signals() {
  for (size_t i = 0; i < std::size(kStopSignals); ++i) {
    if (!installed) ::sigaction(kStopSignals[i], nullptr, &found_stop[i]);
    if (stays_ignored(kStopSignals[i], found_stop[i])) continue;
    set_action(kStopSignals[i], on_stop_signal);
  }
  for (size_t i = 0; i < std::size(kWriteSignals); ++i) {
    if (!installed) ::sigaction(kWriteSignals[i], nullptr, &found_write[i]);
    set_action(kWriteSignals[i], SIG_IGN);
  }
  installed = true;
}

void defer_stop_signals() {
  deferred.store(true);
}

void restore_signals() {
  if (!installed) return;
  for (size_t i = 0; i < std::size(kStopSignals); ++i) {
    ::sigaction(kStopSignals[i], &found_stop[i], nullptr);
  }
  for (size_t i = 0; i < std::size(kWriteSignals); ++i) {
    ::sigaction(kWriteSignals[i], &found_write[i], nullptr);
  }
}

void install_save_signal() {
  set_action(SIGUSR1, on_save_signal);
}

bool take_save_request() {
  return save_requested.exchange(false);
}

int stop_signal() {
  return requested.load();
}

bool is_stop_signal(int signal_number) {
  return std::find(std::begin(kStopSignals), std::end(kStopSignals), signal_number) !=
         std::end(kStopSignals);
}

void set_stop_signal(int signal_number) {
  requested.store(signal_number);
  if (signal_number == 0) first_at.store(-1);
}

}  // namespace linformer
