#include "cli/child_process.h"

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <thread>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/temporary_folder.h"

#include "linformer/core/atomic_file.h"

namespace linformer {

namespace {

void redirect(const std::string& path, int flags, int descriptor) {
  const int file = ::open(path.c_str(), flags, 0600);
  if (file < 0 || ::dup2(file, descriptor) < 0) ::_exit(126);
}

[[noreturn]] void become(const std::vector<std::string>& command, const ProgramOptions& options,
                         const TemporaryFolder& folder) {
  redirect(folder.file("in"), O_RDONLY, STDIN_FILENO);
  redirect(folder.file("out"), O_WRONLY | O_CREAT, STDOUT_FILENO);
  redirect(folder.file("err"), O_WRONLY | O_CREAT, STDERR_FILENO);
  if (options.own_group) ::setpgid(0, 0);
  if (options.closed_outputs) {
    int ends[2];
    if (::pipe(ends) != 0 || ::dup2(ends[1], STDOUT_FILENO) < 0 ||
        ::dup2(ends[1], STDERR_FILENO) < 0) {
      ::_exit(126);
    }
    for (const int end : ends) ::close(end);
  }
  if (options.max_file_bytes > 0) {
    // With the signal ignored, write() fails and the program has to say so.
    ::signal(SIGXFSZ, SIG_IGN);
    const struct rlimit limit { options.max_file_bytes, options.max_file_bytes };
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  for (const std::string& variable : options.environment) {
    ::putenv(const_cast<char*>(variable.c_str()));
  }
  const std::string program = std::string(LINFORMER_PROGRAMS_DIR) + "/" + command.front();
  std::vector<char*> arguments;
  for (const std::string& argument : command)
    arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  ::execv(program.c_str(), arguments.data());
  ::_exit(127);
}

}  // namespace

ProgramResult run_child(const std::vector<std::string>& command, const ProgramOptions& options) {
  const TemporaryFolder folder;
  write_file_atomically(folder.file("in"), options.standard_input);
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("fork failed");
  if (child == 0) become(command, options, folder);
  if (options.own_group) ::setpgid(child, child);  // whoever comes first
  int status = 0;
  while (::waitpid(child, &status, options.meanwhile ? WNOHANG : 0) == 0) {
    options.meanwhile(child);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  ProgramResult result;
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  result.out = read_text_file(folder.file("out"));
  result.err = read_text_file(folder.file("err"));
  return result;
}

}  // namespace linformer
