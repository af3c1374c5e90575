#include "linformer/dist/supervisor.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <random>

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "output_stream.h"

#include "linformer/core/child_process.h"
#include "linformer/core/error.h"
#include "linformer/core/log.h"
#include "linformer/core/processors.h"
#include "linformer/core/stop_signal.h"

namespace linformer {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kSignalBase = 128;
constexpr int kWrongUsage = 2;
constexpr int kCannotStart = 127;

/// A port that is free at the moment.
int64_t free_port() {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  if (descriptor < 0 || ::bind(descriptor, any, length) != 0 ||
      ::getsockname(descriptor, any, &length) != 0) {
    fail_system("127.0.0.1", "cannot find a free port", errno);
  }
  ::close(descriptor);
  return ntohs(address.sin_port);
}

/// An identifier that no other run has.
std::string random_id() {
  std::random_device random;
  std::string id;
  for (int i = 0; i < 4; ++i) id += std::to_string(random()) + (i < 3 ? "-" : "");
  return id;
}

/// The path of the program beside this one if it exists, else its name, to be searched in PATH.
std::string resolve_program(const std::string& name) {
  std::error_code error;
  const auto own = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error || name.find('/') != std::string::npos) return name;
  const auto beside = own.parent_path() / name;
  return std::filesystem::exists(beside, error) ? beside.string() : name;
}

/// Throws UsageError if there is no such program to start.
void check_program(const std::string& name) {
  const std::string program = resolve_program(name);
  std::error_code error;
  const bool there = program.find('/') != std::string::npos
                         ? std::filesystem::exists(program, error)
                         : !find_program(program).empty();
  if (there) return;
  fail_usage(name, "there is no such program to start",
             "check the command after --; a program without a folder is looked for beside "
             "linformer-launch and in PATH");
}

struct Worker {
  int64_t rank = 0;
  pid_t process = -1;
  bool running = true;
  int status = 0;
  std::vector<OutputStream> streams;
};

struct Pipe {
  int read_end = -1;
  int write_end = -1;
};

Pipe make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) fail_system("pipe", "cannot be made", errno);
  ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
  return {ends[0], ends[1]};
}

/// Runs in the new process and never returns.
[[noreturn]] void become(const LaunchPlan& plan, int64_t local_rank, pid_t parent, int out, int err,
                         const sigset_t& mask) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(kCannotStart);  // the launcher died in between
  const int nothing = ::open("/dev/null", O_RDONLY);
  if (nothing < 0 || ::dup2(nothing, STDIN_FILENO) < 0 || ::dup2(out, STDOUT_FILENO) < 0 ||
      ::dup2(err, STDERR_FILENO) < 0) {
    ::_exit(kCannotStart);
  }
  const bool has_threads = std::getenv("OMP_NUM_THREADS") != nullptr;
  for (const auto& [name, value] :
       launch_variables(plan, local_rank, num_processors(), has_threads)) {
    ::setenv(name.c_str(), value.c_str(), 1);
  }
  restore_signals();
  ::sigprocmask(SIG_SETMASK, &mask, nullptr);
  const std::string program = resolve_program(plan.command.front());
  std::vector<char*> arguments;
  for (const std::string& argument : plan.command) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  ::execvp(program.c_str(), arguments.data());
  std::fprintf(stderr, "cannot start %s: %s\n", program.c_str(), std::strerror(errno));
  ::_exit(kCannotStart);
}

Worker start(const LaunchPlan& plan, int64_t local_rank, const sigset_t& mask, SeenErrors& errors) {
  const Pipe out = make_pipe();
  const Pipe err = make_pipe();
  const pid_t parent = ::getpid();
  Worker worker;
  worker.rank = plan.node_rank * plan.processes_per_node + local_rank;
  std::fflush(nullptr);
  worker.process = ::fork();
  if (worker.process < 0) fail_system("fork", "cannot start a process", errno);
  if (worker.process == 0) {
    become(plan, local_rank, parent, out.write_end, err.write_end, mask);
  }
  ::close(out.write_end);
  ::close(err.write_end);
  const std::string prefix = "[rank " + std::to_string(worker.rank) + "] ";
  const bool first = worker.rank == 0;
  worker.streams.emplace_back(out.read_end, first ? "" : prefix, first ? stdout : stderr);
  worker.streams.emplace_back(err.read_end, prefix, stderr, &errors);
  return worker;
}

bool succeeded(const Worker& worker) {
  return WIFEXITED(worker.status) && WEXITSTATUS(worker.status) == 0;
}

/// The stop signal that ended the program, or 0. The program either exited cleanly with 128 + n, or
/// was killed by the signal that was passed on to it, since it had nothing to save.
int stopped_by(const Worker& worker) {
  if (WIFSIGNALED(worker.status)) {
    const int killed_by = WTERMSIG(worker.status);
    return killed_by == stop_signal() ? killed_by : 0;
  }
  const int number = WIFEXITED(worker.status) ? WEXITSTATUS(worker.status) - kSignalBase : 0;
  return is_stop_signal(number) ? number : 0;
}

std::string name_of(const Worker& worker) {
  return "rank " + std::to_string(worker.rank) + " (process " + std::to_string(worker.process) +
         ")";
}

std::string end_of(const Worker& worker) {
  if (WIFEXITED(worker.status)) {
    return "ended with exit code " + std::to_string(WEXITSTATUS(worker.status));
  }
  const int signal_number = WTERMSIG(worker.status);
  return "was killed by signal " + std::to_string(signal_number) + " (" +
         ::strsignal(signal_number) + ")";
}

/// Blocks the signals, which the supervisor reads from a descriptor instead.
class Signals {
 public:
  Signals() {
    sigset_t wanted;
    sigemptyset(&wanted);
    for (const int number : {SIGUSR1, SIGCHLD}) sigaddset(&wanted, number);
    for (const int number : kStopSignals) {
      // An ignored signal (nohup) would be delivered all the same while it is blocked.
      struct sigaction action {};
      ::sigaction(number, nullptr, &action);
      if (action.sa_handler != SIG_IGN) sigaddset(&wanted, number);
    }
    if (::sigprocmask(SIG_BLOCK, &wanted, &before_) != 0) {
      fail_system("signals", "cannot be blocked", errno);
    }
    descriptor_ = ::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
    if (descriptor_ < 0) fail_system("signalfd", "cannot be made", errno);
  }
  ~Signals() {
    ::close(descriptor_);
    ::sigprocmask(SIG_SETMASK, &before_, nullptr);
  }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  int descriptor() const { return descriptor_; }
  const sigset_t& before() const { return before_; }
  /// The next signal that has arrived, or 0.
  int next() const {
    signalfd_siginfo info{};
    return ::read(descriptor_, &info, sizeof info) == sizeof info ? static_cast<int>(info.ssi_signo)
                                                                  : 0;
  }

 private:
  sigset_t before_{};
  int descriptor_ = -1;
};

class Supervisor {
 public:
  explicit Supervisor(const LaunchPlan& plan) : plan_(plan) {}
  ~Supervisor() { send(SIGKILL); }  // only reached with running processes after an exception
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  void run() {
    for (int64_t i = 0; i < plan_.processes_per_node; ++i) {
      workers_.push_back(start(plan_, i, signals_.before(), errors_));
    }
    while (any_running()) {
      wait_for_something();
      while (const int signal_number = signals_.next()) {
        if (signal_number != SIGCHLD) pass_on(signal_number);
      }
      for (Worker& worker : workers_) {
        for (OutputStream& stream : worker.streams) stream.pump();
      }
      collect_ended();
      kill_when_late();
    }
    report();
  }

 private:
  bool any_running() const {
    return std::any_of(workers_.begin(), workers_.end(),
                       [](const Worker& worker) { return worker.running; });
  }

  void wait_for_something() {
    std::vector<pollfd> watched{{signals_.descriptor(), POLLIN, 0}};
    for (const Worker& worker : workers_) {
      for (const OutputStream& stream : worker.streams) {
        if (stream.open()) watched.push_back({stream.descriptor(), POLLIN, 0});
      }
    }
    constexpr int kMilliseconds = 200;
    ::poll(watched.data(), watched.size(), kMilliseconds);
  }

  void send(int signal_number) const {
    for (const Worker& worker : workers_) {
      if (worker.running) ::kill(worker.process, signal_number);
    }
  }

  void pass_on(int signal_number) {
    if (signal_number != SIGUSR1) set_stop_signal(signal_number);
    send(signal_number);
  }

  void collect_ended() {
    for (size_t i = 0; i < workers_.size(); ++i) {
      Worker& worker = workers_[i];
      if (!worker.running) continue;
      if (::waitpid(worker.process, &worker.status, WNOHANG) != worker.process) continue;
      worker.running = false;
      for (OutputStream& stream : worker.streams) {
        stream.pump();
        stream.close();
      }
      if (succeeded(worker) || failed_ >= 0) continue;
      if (const int signal_number = stopped_by(worker)) {
        // It may have been stopped before it had joined the others, which would wait for it.
        if (stop_signal() == 0) pass_on(signal_number);
        continue;
      }
      failed_ = static_cast<int>(i);
      failed_at_ = Clock::now();
      if (any_running())
        log_error(name_of(worker) + " " + end_of(worker) + "; stopping the others");
      send(SIGTERM);
    }
  }

  void kill_when_late() {
    if (failed_ < 0 || killed_) return;
    const std::chrono::duration<double> passed = Clock::now() - failed_at_;
    if (passed.count() < plan_.stop_seconds) return;
    for (const Worker& worker : workers_) {
      if (!worker.running) continue;
      log_error(name_of(worker) + " has not ended; it is killed");
    }
    send(SIGKILL);
    killed_ = true;
  }

  void report() const {
    if (failed_ < 0) return;
    const Worker& worker = workers_[static_cast<size_t>(failed_)];
    const int code = WIFEXITED(worker.status) ? WEXITSTATUS(worker.status) : 0;
    const std::string what =
        end_of(worker) + (workers_.size() > 1 ? "; the other processes were stopped" : "");
    if (code == kWrongUsage) {
      fail_usage(name_of(worker), what, "see its message above");
    }
    fail_run(name_of(worker), what,
             code == kCannotStart
                 ? "check the command after --"
                 : "see its last lines above; the same command resumes from the last checkpoint");
  }

  const LaunchPlan& plan_;
  Signals signals_;
  SeenErrors errors_;
  std::vector<Worker> workers_;
  int failed_ = -1;  // index of the first that failed
  Clock::time_point failed_at_{};
  bool killed_ = false;
};

}  // namespace

void set_rendezvous(LaunchPlan& plan, const std::string& text) {
  const size_t colon = text.rfind(':');
  std::string host = text.substr(0, colon == std::string::npos ? 0 : colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  int64_t port = 0;
  const char* const begin = text.data() + (colon == std::string::npos ? text.size() : colon + 1);
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(begin, end, port);
  if (host.empty() || error != std::errc() || stop != end || port < 1 || port > 65535) {
    fail_usage("--rdzv", "\"" + text + "\" is not HOST:PORT",
               "give the machine of rank 0 and a free port there, e.g. node0:29500");
  }
  plan.host = host;
  plan.port = port;
}

std::vector<std::pair<std::string, std::string>> launch_variables(const LaunchPlan& plan,
                                                                  int64_t local_rank,
                                                                  int64_t num_cores,
                                                                  bool has_omp_threads) {
  const int64_t local = plan.processes_per_node;
  std::vector<std::pair<std::string, std::string>> variables{
      {"RANK", std::to_string(plan.node_rank * local + local_rank)},
      {"WORLD_SIZE", std::to_string(plan.num_nodes * local)},
      {"LOCAL_RANK", std::to_string(local_rank)},
      {"LOCAL_WORLD_SIZE", std::to_string(local)},
      {"MASTER_ADDR", plan.host},
      {"MASTER_PORT", std::to_string(plan.port)},
      {"LINFORMER_LAUNCH", "1"}};
  if (!plan.run_id.empty()) variables.emplace_back("LINFORMER_RUN_ID", plan.run_id);
  if (!has_omp_threads) {
    variables.emplace_back("OMP_NUM_THREADS",
                           std::to_string(std::max<int64_t>(1, num_cores / local)));
  }
  return variables;
}

void supervise(const LaunchPlan& plan) {
  check_program(plan.command.front());
  LaunchPlan complete = plan;
  if (complete.port == 0) complete.port = free_port();
  // Launchers on several machines share only what the user gives them.
  if (complete.num_nodes == 1) complete.run_id = random_id();
  defer_stop_signals();  // from here on the processes handle them
  Supervisor(complete).run();
}

}  // namespace linformer
