#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace linformer {

/// The number of this process among the processes of a run, and the address at which they meet.
struct LaunchEnvironment {
  int64_t rank = 0;              ///< 0 to world_size - 1
  int64_t world_size = 1;        ///< processes of the run
  int64_t local_rank = 0;        ///< number on this machine, which selects its device
  int64_t local_world_size = 1;  ///< processes of the run on this machine
  std::string host;              ///< where rank 0 listens; empty for one process
  int64_t port = 0;
  std::string launcher;  ///< "torchrun", "Open MPI", "SLURM"; empty if nothing was set

  bool operator==(const LaunchEnvironment&) const = default;
};

/// The value of an environment variable; nothing if it is not set or empty.
using VariableReader = std::function<std::optional<std::string>(const std::string& name)>;

/// Reads the variables of, in this order,
///
///   torchrun    RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE, MASTER_ADDR, MASTER_PORT
///               (linformer-launch sets the same)
///   Open MPI    OMPI_COMM_WORLD_RANK, _SIZE, _LOCAL_RANK, _LOCAL_SIZE, with MASTER_ADDR and
///               MASTER_PORT from the user
///   SLURM       SLURM_PROCID, SLURM_NTASKS, SLURM_LOCALID, inside a step of srun only; the host
///               is the first one of the step unless MASTER_ADDR is set, the port follows from
///               SLURM_JOB_ID unless MASTER_PORT is set
///
/// and assumes one process if none of them is set. Throws UsageError for variables that are set in
/// part, are not numbers, or contradict each other.
LaunchEnvironment read_launch_environment(const VariableReader& variable);

/// The same for this process's environment.
LaunchEnvironment launch_environment();

/// "node[007-009,12],gpu3" -> "node007": the first host of a SLURM node list.
std::string first_slurm_host(const std::string& node_list);

/// "2(x3),1" -> 2, 2, 2, 1; returns the count of machine `node`, nothing if the text has no such
/// machine.
std::optional<int64_t> slurm_tasks_on_node(const std::string& counts, int64_t node);

}  // namespace linformer
