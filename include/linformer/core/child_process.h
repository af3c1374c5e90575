#pragma once

#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace linformer {

/// A child process. Its output goes to files. The destructor kills it.
class ChildProcess {
 public:
  /// `command`: path of the program, then its arguments. Throws RunError if it cannot be started.
  /// What it prints is appended to `output_path`, and messages (stderr) to `error_path`; "" = to
  /// the same file.
  ChildProcess(const std::vector<std::string>& command, const std::string& output_path,
               const std::string& error_path = "");
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const { return pid_; }
  void send(int signal_number) const;

  /// The exit code, or 128 + n if signal n ended the process. wait() waits for the end; poll()
  /// returns nothing while the process runs.
  int wait();
  std::optional<int> poll();
  /// The signal that ended the process, once it has ended; 0 if it exited by itself. A program that
  /// was asked to stop and shut down cleanly exits by itself, with 128 + n.
  int killing_signal() const { return killing_signal_; }

 private:
  int note_end(int status);

  pid_t pid_ = -1;
  std::optional<int> exit_code_;
  int killing_signal_ = 0;
};

/// The path of the running program, e.g. to start it again.
std::string this_program();

/// The path of the program `name` in the folders of PATH, as a shell finds it; "" if none has it.
std::string find_program(const std::string& name);

}  // namespace linformer
