#include "linformer/core/processors.h"

#include <algorithm>
#include <latch>
#include <system_error>
#include <thread>
#include <vector>

#include <sched.h>

#include "linformer/core/error.h"

namespace linformer {
namespace {

void check_count(const std::string& where, int64_t count, const std::string& what) {
  const int64_t most = std::max(kMostThreads, kThreadsPerProcessor * num_processors());
  if (count >= 1 && count <= most) return;
  fail_usage(where,
             std::to_string(count) + (count < 1 ? " is too small" : " is too large") +
                 ": this machine has " + std::to_string(num_processors()) + " processors for it",
             "give 1 to " + std::to_string(most) + " " + what +
                 "; more than the number of processors "
                 "does not help");
}

}  // namespace

int64_t num_processors() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (::sched_getaffinity(0, sizeof allowed, &allowed) == 0) return CPU_COUNT(&allowed);
  return std::max<int64_t>(1, std::thread::hardware_concurrency());  // more than a set has room for
}

void check_processes(const std::string& where, int64_t count) {
  check_count(where, count, "processes");
}

void check_threads(const std::string& where, int64_t count) {
  check_count(where, count, "threads");
  if (count <= num_processors()) return;
  std::latch all_there(1);
  std::vector<std::thread> threads;
  int64_t started = 1;  // this one
  try {
    for (; started < count; ++started) threads.emplace_back([&] { all_there.wait(); });
  } catch (const std::system_error&) {
    // Reported below, after the threads that did start have ended.
  }
  all_there.count_down();
  for (std::thread& thread : threads) thread.join();
  if (started == count) return;
  fail_usage(where,
             "the system gives this process " + std::to_string(started) + " threads, not " +
                 std::to_string(count),
             "ask for fewer, or raise the limit (ulimit -u, or the container's)");
}

}  // namespace linformer
