#pragma once

#include <csignal>
#include <string>

#include "linformer/core/error.h"

namespace linformer {

/// The signals that ask a process to stop: Ctrl-C, a closed terminal, a limit on computing time, a
/// scheduler. If processes of a run received different ones, the last of them in this list counts.
inline constexpr int kStopSignals[] = {SIGINT, SIGHUP, SIGXCPU, SIGTERM};

/// After this call, a stop signal ends the process at once with exit code 128 + signal number,
/// since there is nothing to save yet. SIGHUP and SIGXCPU stay ignored if they were ignored before
/// (nohup).
///
/// Writing to a closed pipe or past a limit on file sizes becomes an error of the write instead of
/// a signal, so that the program can shut down cleanly.
void install_signals();

/// After this call, a stop signal only sets a flag, which the running work checks. All stop signals
/// that follow count as the same request, since a terminal, a launcher and a scheduler may each
/// send one. The exception is a SIGINT that comes kRepeatSeconds or more after the first signal:
/// the user does not want to wait. It ends the process at once, by that signal, so that the end is
/// not taken for a clean one.
void defer_stop_signals();

inline constexpr int kRepeatSeconds = 5;

/// 0, or the number of the signal that asked the process to stop.
int stop_signal();

/// Whether a signal of this number asks a process to stop.
bool is_stop_signal(int signal_number);

/// Restores the signals that install_signals() and defer_stop_signals() changed, for a new process
/// that is about to become another program. Safe between fork() and exec().
void restore_signals();

/// After this call, SIGUSR1 only notes that a checkpoint is wanted.
void install_save_signal();

/// Whether SIGUSR1 came since the last call.
bool take_save_request();

/// Sets or clears the flag directly, for tests or a time limit.
void set_stop_signal(int signal_number);

/// Work was interrupted because of a stop signal; the program then ends with 128 + signal number.
class StopError : public RunError {
 public:
  explicit StopError(const std::string& where)
      : RunError(where, "stopped by a signal", "run it again") {}
};

}  // namespace linformer
