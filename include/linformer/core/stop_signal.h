#pragma once

namespace linformer {

/// From now on SIGINT and SIGTERM only set a flag; a second one ends the process at once with
/// 128 + signal number.
void install_stop_signals();

/// 0, or the number of the signal that asked the process to stop.
int stop_signal();

/// From now on SIGUSR1 only notes that somebody wants a checkpoint.
void install_save_signal();

/// Whether SIGUSR1 came since the last call.
bool take_save_request();

/// Sets or clears the flag by hand (tests, or a time budget).
void set_stop_signal(int signal_number);

}  // namespace linformer
