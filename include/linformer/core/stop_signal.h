#pragma once

#include <csignal>
#include <string>

#include "linformer/core/error.h"

namespace linformer {

/// What asks a process to stop: Ctrl-C, a closed terminal, a limit on computing time, a scheduler.
/// Where processes of a run were sent different ones, the last in this list counts.
inline constexpr int kStopSignals[] = {SIGINT, SIGHUP, SIGXCPU, SIGTERM};

/// From now on the stop signals end the process at once, with exit code 128 + signal number: there
/// is nothing to put in order yet. SIGHUP and SIGXCPU stay ignored where they were (nohup).
///
/// Writing where nobody reads (a closed pipe) or past a limit on file sizes becomes an error of the
/// write, so that the program can put things in order, in place of a signal.
void install_signals();

/// From now on a stop signal only sets a flag that the work in hand looks at. All stop signals that
/// follow are the same request: a terminal, a launcher and a scheduler may each send one. Only a
/// SIGINT that comes kRepeatSeconds or more after the first signal, from somebody who does not want
/// to wait, ends the process at once; by that signal, so that nobody takes it for an end in order.
void defer_stop_signals();

inline constexpr int kRepeatSeconds = 5;

/// 0, or the number of the signal that asked the process to stop.
int stop_signal();

/// Whether a signal of this number asks a process to stop.
bool is_stop_signal(int signal_number);

/// Puts back the signals that install_signals() and defer_stop_signals() changed, for a new process
/// that is about to become another program. Safe between fork() and exec().
void restore_signals();

/// From now on SIGUSR1 only notes that somebody wants a checkpoint.
void install_save_signal();

/// Whether SIGUSR1 came since the last call.
bool take_save_request();

/// Sets or clears the flag by hand (tests, or a time budget).
void set_stop_signal(int signal_number);

/// Work was given up since a signal asked for it; the program then ends with 128 + signal number.
class StopError : public RunError {
 public:
  explicit StopError(const std::string& where)
      : RunError(where, "stopped by a signal", "run it again") {}
};

}  // namespace linformer
