#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace linformer {

/// What to start on this machine.
struct LaunchPlan {
  int64_t processes_per_node = 1;
  int64_t num_nodes = 1;
  int64_t node_rank = 0;
  std::string host = "127.0.0.1";  ///< where rank 0 listens
  int64_t port = 0;                ///< 0 = a free one; for one machine only
  double stop_seconds = 30.0;      ///< from SIGTERM to SIGKILL when a process has failed
  std::string run_id;  ///< tells this run's processes from others; "" = one of several launchers
  std::vector<std::string> command;
};

/// "HOST:PORT" or "[IPV6]:PORT" into the plan. Throws UsageError.
void set_rendezvous(LaunchPlan& plan, const std::string& text);

/// What process `local_rank` gets besides the launcher's own environment: torchrun's variables, and
/// OMP_NUM_THREADS = cores / processes_per_node unless `has_omp_threads`.
std::vector<std::pair<std::string, std::string>> launch_variables(const LaunchPlan& plan,
                                                                  int64_t local_rank,
                                                                  int64_t num_cores,
                                                                  bool has_omp_threads);

/// Starts the processes and stays until all have ended.
///
/// - Their standard errors are merged, each line behind "[rank R] "; rank 0's standard output is
///   passed on as it is, the others' goes to standard error likewise.
/// - Stop signals (core/stop_signal.h) and SIGUSR1 are passed on to all of them; likewise when one
///   of them stops by itself. They are in process groups of their own, so that Ctrl-C reaches them
///   once; if this process dies they get SIGTERM.
/// - When one fails the others get SIGTERM and, stop_seconds later, SIGKILL. Then RunError (for
///   exit code 2 UsageError) says which one it was and how it ended.
/// - Where all of them were stopped by a signal, core/stop_signal.h holds it afterwards.
void supervise(const LaunchPlan& plan);

}  // namespace linformer
