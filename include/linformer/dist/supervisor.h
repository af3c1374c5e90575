#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace linformer {

/// The processes to start on this machine.
struct LaunchPlan {
  int64_t processes_per_node = 1;
  int64_t num_nodes = 1;
  int64_t node_rank = 0;
  std::string host = "127.0.0.1";  ///< where rank 0 listens
  int64_t port = 0;                ///< 0 = a free port; for one machine only
  double stop_seconds = 30.0;      ///< from SIGTERM to SIGKILL when a process has failed
  std::string run_id;  ///< common to the processes of a run; "" = one of several launchers
  std::vector<std::string> command;
};

/// Parses "HOST:PORT" or "[IPV6]:PORT" into the plan. Throws UsageError.
void set_rendezvous(LaunchPlan& plan, const std::string& text);

/// The variables of process `local_rank` in addition to the launcher's own environment: torchrun's
/// variables, and OMP_NUM_THREADS = cores / processes_per_node unless `has_omp_threads`.
std::vector<std::pair<std::string, std::string>> launch_variables(const LaunchPlan& plan,
                                                                  int64_t local_rank,
                                                                  int64_t num_cores,
                                                                  bool has_omp_threads);

/// Starts the processes and waits until all have ended.
///
/// - Their standard errors are merged, with "[rank R] " before each line. Rank 0's standard output
///   is passed on unchanged; that of the others goes to standard error like their errors.
/// - Stop signals (core/stop_signal.h) and SIGUSR1 are passed on to all processes. If one process
///   is stopped by a signal of its own, the others get that signal too. Each process is in a
///   process group of its own, so that Ctrl-C reaches it once. If this process dies, they get
///   SIGTERM.
/// - If one process fails, the others get SIGTERM and, stop_seconds later, SIGKILL. Then a RunError
///   (for exit code 2 a UsageError) says which process failed and how it ended.
/// - If a signal stopped all of them, stop_signal() returns it afterwards.
void supervise(const LaunchPlan& plan);

}  // namespace linformer
