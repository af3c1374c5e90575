#include "linformer/core/stop_signal.h"

#include <atomic>
#include <cerrno>

#include <signal.h>
#include <unistd.h>

#include "linformer/core/error.h"

namespace linformer {

namespace {

// Lock-free atomics are the only shared state that a signal handler and threads may both touch.
std::atomic<int> requested{0};
std::atomic<bool> received{false};
std::atomic<bool> save_requested{false};
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

extern "C" void on_stop_signal(int signal_number) {
  if (received.exchange(true)) ::_exit(128 + signal_number);
  requested.store(signal_number);
}

extern "C" void on_save_signal(int) {
  save_requested.store(true);
}

void catch_signal(int signal_number, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  // Restart: an interrupted read of a text file must not look like its end.
  action.sa_flags = SA_RESTART;
  if (::sigaction(signal_number, &action, nullptr) != 0)
    fail_system("signal " + std::to_string(signal_number), "cannot be caught", errno);
}

}  // namespace

void install_stop_signals() {
  catch_signal(SIGINT, on_stop_signal);
  catch_signal(SIGTERM, on_stop_signal);
}

void install_save_signal() {
  catch_signal(SIGUSR1, on_save_signal);
}

bool take_save_request() {
  return save_requested.exchange(false);
}

int stop_signal() {
  return requested.load();
}

void set_stop_signal(int signal_number) {
  requested.store(signal_number);
  if (signal_number == 0) received.store(false);
}

}  // namespace linformer
