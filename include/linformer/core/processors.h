#pragma once

#include <cstdint>
#include <string>

namespace linformer {

/// Processors that this process may run on.
int64_t num_processors();

/// Refuses a number of threads given by the user if it is below 1, above kMostThreads, above
/// kThreadsPerProcessor for each processor, or above what the system gives this process. (A library
/// that is refused a thread ends the program.) Throws UsageError for `where`.
void check_threads(const std::string& where, int64_t count);

/// The same for processes that each compute; the system's limit is not tested.
void check_processes(const std::string& where, int64_t count);

inline constexpr int64_t kMostThreads = 64;
inline constexpr int64_t kThreadsPerProcessor = 4;

}  // namespace linformer
