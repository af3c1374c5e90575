#pragma once

#include <cstdint>
#include <string>

namespace linformer {

/// Processors that this process may run on.
int64_t num_processors();

/// Refuses a number of threads that a person asked for, if it is below 1, more than kMostThreads or
/// kThreadsPerProcessor for each processor allow, or more than the system gives this process (a
/// library that is refused a thread ends the program). Throws UsageError for `where`.
void check_threads(const std::string& where, int64_t count);

/// The same for processes that each compute; the system is not asked.
void check_processes(const std::string& where, int64_t count);

inline constexpr int64_t kMostThreads = 64;
inline constexpr int64_t kThreadsPerProcessor = 4;

}  // namespace linformer
