#pragma once

#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace linformer {

/// A program that this one has started; its output goes to a file. Destroying it kills it.
class ChildProcess {
 public:
  /// `command`: path of the program, then its arguments. Throws RunError if it cannot be started.
  ChildProcess(const std::vector<std::string>& command, const std::string& output_path);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const { return pid_; }
  void send(int signal_number) const;

  /// How it ended: its exit code, or 128 + n if signal n ended it. wait() waits for it, poll()
  /// gives nothing while it runs.
  int wait();
  std::optional<int> poll();
  /// The signal that ended it, once it has ended; 0 where it ended by itself. A program that was
  /// asked to stop and put things in order ends by itself, with 128 + n.
  int killing_signal() const { return killing_signal_; }

 private:
  int note_end(int status);

  pid_t pid_ = -1;
  std::optional<int> exit_code_;
  int killing_signal_ = 0;
};

/// The file of the program that is running, e.g. to start it again.
std::string this_program();

}  // namespace linformer
