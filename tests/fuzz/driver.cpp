// fuzz_readers TARGET [--seconds S] [--seed N] [--findings FOLDER] [FILE...]
//
// Lets a reader read its inputs of tests/fuzz/corpus, then changed copies of them until the seconds
// are over (LINFORMER_FUZZ_SECONDS, else 1). Files that are named are read once instead. What
// ends a reader with anything else than an Error is a finding: its bytes are kept in a file, which
// becomes an input of the corpus when the reader is mended. Where the readers are built with
// -fsanitize-coverage=trace-pc (the preset `fuzz`), inputs that reach new code are changed further.
#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <stdexcept>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include "core/temporary_folder.h"
#include "fuzz/coverage.h"
#include "fuzz/fuzz_target.h"
#include "fuzz/mutator.h"

#include "linformer/core/atomic_file.h"

namespace linformer {

namespace {

namespace fs = std::filesystem;

constexpr time_t kMostSecondsOfAnInput = 20;  // of computing time
constexpr rlim_t kMostMemory = rlim_t{16} << 30;

struct Arguments {
  std::string target;
  double seconds = 1.0;
  uint64_t seed = 1;
  std::string findings = ".";
  std::vector<std::string> files;
};

// What a signal handler may look at.
std::array<char, 4096> finding_path{};
std::string current;

void keep_finding() {
  const int file = ::open(finding_path.data(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) return;
  size_t done = 0;
  while (done < current.size()) {
    const ssize_t count = ::write(file, current.data() + done, current.size() - done);
    if (count <= 0) break;
    done += static_cast<size_t>(count);
  }
  ::close(file);
}

void say(const char* text) {
  const ssize_t ignored = ::write(STDERR_FILENO, text, std::strlen(text));
  static_cast<void>(ignored);
}

extern "C" void on_crash(int signal) {
  keep_finding();
  say(signal == SIGVTALRM ? "\nfinding: an input takes too long; it is in "
                          : "\nfinding: a signal; the input is in ");
  say(finding_path.data());
  say("\n");
  std::signal(signal, SIG_DFL);
  if (signal == SIGVTALRM) ::_exit(1);
  ::raise(signal);
}

void watch_for_crashes() {
  // A handler on a stack of its own: the usual one may have overflowed.
  static std::array<char, 1 << 16> stack;
  stack_t alternative{};
  alternative.ss_sp = stack.data();
  alternative.ss_size = stack.size();
  ::sigaltstack(&alternative, nullptr);
  struct sigaction action {};
  action.sa_handler = on_crash;
  action.sa_flags = SA_ONSTACK;
  for (const int signal : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGVTALRM}) {
    ::sigaction(signal, &action, nullptr);
  }
#ifndef LINFORMER_SANITIZED  // sanitizers map terabytes
  const rlimit memory{kMostMemory, kMostMemory};
  ::setrlimit(RLIMIT_AS, &memory);
#endif
}

void start_clock() {
  const itimerval limit{{0, 0}, {kMostSecondsOfAnInput, 0}};
  ::setitimer(ITIMER_VIRTUAL, &limit, nullptr);
}

/// False if the input is a finding.
bool holds(const FuzzTarget& target, const std::string& path, const std::string& bytes) {
  current = bytes;
  start_clock();
  try {
    run_fuzz_target(target, path, bytes);
    return true;
  } catch (const std::exception& error) {
    keep_finding();
    std::fprintf(stderr, "finding: %s\n  the input is in %s\n", error.what(), finding_path.data());
    return false;
  }
}

std::vector<std::string> corpus_of(const std::string& target) {
  std::vector<std::string> files;
  for (const auto& entry :
       fs::directory_iterator(LINFORMER_SOURCE_DIR "/tests/fuzz/corpus/" + target)) {
    files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

int fuzz(const Arguments& arguments) {
  const FuzzTarget& target = fuzz_target(arguments.target);
  const TemporaryFolder folder;
  const std::string path = folder.file(std::string(target.file_name));
  const bool only_files = !arguments.files.empty();
  std::vector<std::string> inputs;
  for (const std::string& file : only_files ? arguments.files : corpus_of(arguments.target)) {
    std::snprintf(finding_path.data(), finding_path.size(), "%s/%s-corpus",
                  arguments.findings.c_str(), arguments.target.c_str());
    inputs.push_back(read_text_file(file));
    if (!holds(target, path, inputs.back())) {
      std::fprintf(stderr, "  it is %s\n", file.c_str());
      return 1;
    }
    take_new_coverage();
  }
  if (only_files) return 0;
  if (inputs.empty()) throw std::runtime_error("no inputs in tests/fuzz/corpus");
  const size_t given = inputs.size();
  Mutator mutator(arguments.seed);
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::duration<double>(arguments.seconds);
  uint64_t runs = 0;
  for (; Clock::now() < end; ++runs) {
    std::string bytes = mutator.next(inputs);
    if (mutator.coin() && target.repair != nullptr) target.repair(bytes);
    std::snprintf(finding_path.data(), finding_path.size(), "%s/%s-%llu-%llu",
                  arguments.findings.c_str(), arguments.target.c_str(),
                  static_cast<unsigned long long>(arguments.seed),
                  static_cast<unsigned long long>(runs));
    if (!holds(target, path, bytes)) return 1;
    if (take_new_coverage()) inputs.push_back(std::move(bytes));
  }
  std::printf(
      "%s: %llu inputs with seed %llu, from %zu of the corpus and %zu that reached new code\n",
      arguments.target.c_str(), static_cast<unsigned long long>(runs),
      static_cast<unsigned long long>(arguments.seed), given, inputs.size() - given);
  return 0;
}

Arguments parse(int argc, char** argv) {
  Arguments arguments;
  if (const char* seconds = std::getenv("LINFORMER_FUZZ_SECONDS")) {
    arguments.seconds = std::stod(seconds);
  }
  if (const char* seed = std::getenv("LINFORMER_FUZZ_SEED")) arguments.seed = std::stoull(seed);
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const bool has_value = i + 1 < argc;
    if (argument == "--seconds" && has_value) {
      arguments.seconds = std::stod(argv[++i]);
    } else if (argument == "--seed" && has_value) {
      arguments.seed = std::stoull(argv[++i]);
    } else if (argument == "--findings" && has_value) {
      arguments.findings = argv[++i];
    } else if (arguments.target.empty()) {
      arguments.target = argument;
    } else {
      arguments.files.push_back(argument);
    }
  }
  return arguments;
}

}  // namespace

}  // namespace linformer

int main(int argc, char** argv) {
  // Thousands of small files a second: in memory where that can be had.
  if (::access("/dev/shm", W_OK) == 0) ::setenv("TMPDIR", "/dev/shm", /*overwrite=*/0);
  try {
    linformer::watch_for_crashes();
    return linformer::fuzz(linformer::parse(argc, argv));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "fuzz_readers: %s\n", error.what());
    return 2;
  }
}
