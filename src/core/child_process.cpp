#include "linformer/core/child_process.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <system_error>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "linformer/core/error.h"

extern char** environ;

namespace linformer {

ChildProcess::ChildProcess(const std::vector<std::string>& command, const std::string& output_path,
                           const std::string& error_path) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output_path.c_str(),
                                   O_WRONLY | O_CREAT | O_APPEND, 0644);
  if (error_path.empty() || error_path == output_path) {
    posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  } else {
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, error_path.c_str(),
                                     O_WRONLY | O_CREAT | O_APPEND, 0644);
  }
  // The child does not inherit the signals that this program ignores (core/stop_signal.h).
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t ignored_here;
  sigemptyset(&ignored_here);
  for (const int number : {SIGPIPE, SIGXFSZ}) sigaddset(&ignored_here, number);
  posix_spawnattr_setsigdefault(&attributes, &ignored_here);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  std::vector<char*> arguments;
  for (const std::string& argument : command) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  const int error = ::posix_spawn(&pid_, command.front().c_str(), &actions, &attributes,
                                  arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) {
    pid_ = -1;
    fail_system(command.front(), "cannot start the program", error);
  }
}

ChildProcess::~ChildProcess() {
  if (exit_code_ || pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void ChildProcess::send(int signal_number) const {
  if (!exit_code_) ::kill(pid_, signal_number);
}

int ChildProcess::wait() {
  while (!exit_code_) {
    int status = 0;
    if (::waitpid(pid_, &status, 0) == pid_) {
      exit_code_ = note_end(status);
    } else if (errno != EINTR) {
      fail_system("process " + std::to_string(pid_), "cannot wait for it", errno);
    }
  }
  return *exit_code_;
}

std::optional<int> ChildProcess::poll() {
  int status = 0;
  if (!exit_code_ && ::waitpid(pid_, &status, WNOHANG) == pid_) exit_code_ = note_end(status);
  return exit_code_;
}

int ChildProcess::note_end(int status) {
  if (WIFEXITED(status)) return WEXITSTATUS(status);
  killing_signal_ = WTERMSIG(status);
  return 128 + killing_signal_;
}

std::string this_program() {
  return std::filesystem::read_symlink("/proc/self/exe").string();
}

std::string find_program(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    const std::string candidate = (folder.empty() ? "." : folder) + "/" + name;
    std::error_code unreadable;
    if (std::filesystem::is_regular_file(candidate, unreadable) &&
        ::access(candidate.c_str(), X_OK) == 0) {
      return candidate;
    }
  }
  return "";
}

}  // namespace linformer
