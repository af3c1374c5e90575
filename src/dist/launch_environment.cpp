#include "linformer/dist/launch_environment.h"

#include <charconv>
#include <cstdlib>
#include <vector>

#include "linformer/core/error.h"

namespace linformer {
namespace {

constexpr int64_t kMostProcesses = int64_t{1} << 24;
constexpr int64_t kLastPort = 65535;
// SLURM uses numbers from this one on for steps that srun did not start (batch script, shell).
constexpr int64_t kFirstSpecialStep = 4294967280;
constexpr int64_t kFirstSlurmPort = 12000;  // below the ports that the system assigns by itself
constexpr int64_t kSlurmPorts = 20000;

class Reader {
 public:
  explicit Reader(const VariableReader& variable) : variable_(variable) {}

  std::optional<std::string> text(const std::string& name) const {
    const std::optional<std::string> value = variable_(name);
    return value && !value->empty() ? value : std::nullopt;
  }
  bool has(const std::string& name) const { return text(name).has_value(); }

  std::optional<int64_t> number(const std::string& name, int64_t last) const {
    const std::optional<std::string> value = text(name);
    if (!value) return std::nullopt;
    int64_t result = 0;
    const char* const end = value->data() + value->size();
    const auto [stop, error] = std::from_chars(value->data(), end, result);
    if (error != std::errc() || stop != end || result < 0 || result > last) {
      fail_usage("environment variable " + name,
                 "\"" + *value + "\" is not a whole number from 0 to " + std::to_string(last),
                 "let the launcher set it, or unset it to train with one process");
    }
    return result;
  }

  int64_t required(const std::string& name, const std::string& because) const {
    const std::optional<int64_t> value = number(name, kMostProcesses);
    if (!value) {
      fail_usage("environment variable " + name, "is not set, but " + because + " is",
                 "set all variables of the launcher or none; linformer-launch sets them");
    }
    return *value;
  }

 private:
  const VariableReader& variable_;
};

void read_address(const Reader& reader, LaunchEnvironment& result) {
  if (const auto host = reader.text("MASTER_ADDR")) result.host = *host;
  if (const auto port = reader.number("MASTER_PORT", kLastPort)) result.port = *port;
}

void require_address(const LaunchEnvironment& result, const std::string& fix) {
  if (result.world_size == 1) return;
  const std::string missing = result.host.empty() ? "MASTER_ADDR"
                              : result.port == 0  ? "MASTER_PORT"
                                                  : "";
  if (missing.empty()) return;
  fail_usage("environment variable " + missing,
             "is not set, so the " + std::to_string(result.world_size) +
                 " processes do not know where to meet",
             fix);
}

void check_ranks(const LaunchEnvironment& result) {
  const auto refuse = [&](const std::string& what) {
    fail_usage("environment of " + result.launcher, what,
               "unset what another launcher has left there, and start all processes the same way");
  };
  if (result.world_size < 1) refuse("0 processes");
  if (result.rank >= result.world_size) {
    refuse("rank " + std::to_string(result.rank) + " of " + std::to_string(result.world_size) +
           " processes (ranks start at 0)");
  }
  if (result.local_rank >= result.local_world_size) {
    refuse("local rank " + std::to_string(result.local_rank) + " of " +
           std::to_string(result.local_world_size) + " processes on this machine");
  }
  if (result.local_world_size > result.world_size) {
    refuse(std::to_string(result.local_world_size) + " processes on this machine, but " +
           std::to_string(result.world_size) + " in all");
  }
}

std::optional<LaunchEnvironment> read_torchrun(const Reader& reader) {
  std::string seen;
  for (const char* name : {"RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE"}) {
    if (seen.empty() && reader.has(name)) seen = name;
  }
  if (seen.empty()) return std::nullopt;
  LaunchEnvironment result;
  result.launcher = "torchrun";
  result.rank = reader.required("RANK", seen);
  result.world_size = reader.required("WORLD_SIZE", seen);
  // Container schedulers set only the first two variables: one process per machine.
  if (reader.has("LOCAL_RANK") || reader.has("LOCAL_WORLD_SIZE")) {
    result.local_rank = reader.required("LOCAL_RANK", "LOCAL_WORLD_SIZE");
    result.local_world_size = reader.required("LOCAL_WORLD_SIZE", "LOCAL_RANK");
  }
  read_address(reader, result);
  check_ranks(result);
  require_address(result,
                  "export MASTER_ADDR (the host of rank 0) and MASTER_PORT, or use "
                  "linformer-launch");
  return result;
}

std::optional<LaunchEnvironment> read_open_mpi(const Reader& reader) {
  const std::string prefix = "OMPI_COMM_WORLD_";
  std::string seen;
  for (const char* name : {"RANK", "SIZE"}) {
    if (seen.empty() && reader.has(prefix + name)) seen = prefix + name;
  }
  if (seen.empty()) return std::nullopt;
  LaunchEnvironment result;
  result.launcher = "Open MPI";
  result.rank = reader.required(prefix + "RANK", seen);
  result.world_size = reader.required(prefix + "SIZE", seen);
  result.local_rank = reader.required(prefix + "LOCAL_RANK", seen);
  result.local_world_size = reader.required(prefix + "LOCAL_SIZE", seen);
  read_address(reader, result);
  check_ranks(result);
  require_address(result,
                  "mpirun -x MASTER_ADDR=HOST -x MASTER_PORT=29500 ..., HOST being the "
                  "machine of rank 0");
  return result;
}

void read_slurm_address(const Reader& reader, LaunchEnvironment& result) {
  for (const char* name : {"SLURM_STEP_NODELIST", "SLURM_JOB_NODELIST"}) {
    const auto list = reader.text(name);
    if (list && result.host.empty()) result.host = first_slurm_host(*list);
  }
  if (result.host.empty()) result.host = reader.text("SLURM_LAUNCH_NODE_IPADDR").value_or("");
  if (const auto job = reader.number("SLURM_JOB_ID", INT64_MAX)) {
    result.port = kFirstSlurmPort + *job % kSlurmPorts;
  }
  read_address(reader, result);
}

std::optional<LaunchEnvironment> read_slurm(const Reader& reader) {
  // A batch script has SLURM_PROCID as well. Only srun starts several processes.
  const auto step = reader.number("SLURM_STEP_ID", INT64_MAX);
  if (!step || *step >= kFirstSpecialStep) return std::nullopt;
  LaunchEnvironment result;
  result.launcher = "SLURM";
  result.rank = reader.required("SLURM_PROCID", "SLURM_STEP_ID");
  result.world_size = reader.has("SLURM_STEP_NUM_TASKS")
                          ? reader.required("SLURM_STEP_NUM_TASKS", "SLURM_STEP_ID")
                          : reader.required("SLURM_NTASKS", "SLURM_STEP_ID");
  result.local_rank = reader.required("SLURM_LOCALID", "SLURM_STEP_ID");
  result.local_world_size = result.local_rank + 1;
  const int64_t node = reader.number("SLURM_NODEID", kMostProcesses).value_or(0);
  for (const char* name : {"SLURM_STEP_TASKS_PER_NODE", "SLURM_TASKS_PER_NODE"}) {
    const auto counts = reader.text(name);
    if (!counts) continue;
    result.local_world_size = slurm_tasks_on_node(*counts, node).value_or(result.local_world_size);
    break;
  }
  read_slurm_address(reader, result);
  check_ranks(result);
  require_address(result, "export MASTER_ADDR and MASTER_PORT before srun");
  return result;
}

void refuse_contradiction(const LaunchEnvironment& first, const LaunchEnvironment& second) {
  if (first.rank == second.rank && first.world_size == second.world_size) return;
  const auto place = [](const LaunchEnvironment& one) {
    return "rank " + std::to_string(one.rank) + " of " + std::to_string(one.world_size);
  };
  fail_usage("environment",
             "RANK and WORLD_SIZE say " + place(first) + ", the variables of " + second.launcher +
                 " say " + place(second),
             "unset RANK and WORLD_SIZE if they are left over, or those of " + second.launcher);
}

std::string strip_spaces(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c != ' ') result += c;
  }
  return result;
}

/// The number at the front of a text; -1 if there is none or it exceeds the number of processes.
int64_t leading_number(std::string_view text) {
  int64_t number = -1;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && number <= kMostProcesses ? number : -1;
}

}  // namespace

std::string first_slurm_host(const std::string& node_list) {
  const std::string first = node_list.substr(0, node_list.find_first_of("[,"));
  if (first.size() == node_list.size() || node_list[first.size()] == ',') return first;
  const size_t begin = first.size() + 1;
  const size_t end = node_list.find_first_of("-,]", begin);
  const size_t close = node_list.find(']', begin);
  if (end == std::string::npos || close == std::string::npos) return "";
  const size_t after = node_list.find(',', close);
  return first + node_list.substr(begin, end - begin) +
         node_list.substr(close + 1, after == std::string::npos ? after : after - close - 1);
}

std::optional<int64_t> slurm_tasks_on_node(const std::string& counts, int64_t node) {
  const std::string text = strip_spaces(counts);
  int64_t passed = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    const std::string part = text.substr(begin, end - begin);
    const size_t repeat = part.find("(x");
    const int64_t times = repeat == std::string::npos ? 1 : leading_number(part.substr(repeat + 2));
    if (times < 0) return std::nullopt;
    passed += times;
    if (node < passed) {
      const int64_t count = leading_number(part);
      return count > 0 ? std::optional<int64_t>(count) : std::nullopt;
    }
    begin = end + 1;
  }
  return std::nullopt;
}

LaunchEnvironment read_launch_environment(const VariableReader& variable) {
  const Reader reader(variable);
  const auto torchrun = read_torchrun(reader);
  // `srun torchrun` and `mpirun torchrun` start one launcher per machine: the inner one counts.
  if (torchrun && (reader.has("TORCHELASTIC_RUN_ID") || reader.has("LINFORMER_LAUNCH"))) {
    return *torchrun;
  }
  const auto open_mpi = read_open_mpi(reader);
  const auto slurm = open_mpi ? std::nullopt : read_slurm(reader);
  const auto& other = open_mpi ? open_mpi : slurm;
  if (torchrun && other) refuse_contradiction(*torchrun, *other);
  if (torchrun) return *torchrun;
  return other.value_or(LaunchEnvironment{});
}

LaunchEnvironment launch_environment() {
  return read_launch_environment([](const std::string& name) -> std::optional<std::string> {
    const char* const value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  });
}

}  // namespace linformer
