#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "linformer/config/distributed_config.h"
#include "linformer/core/error.h"
#include "linformer/dist/launch_environment.h"

namespace linformer {

/// Another process of the run has died or is too slow. Earlier collective results remain valid.
class PeerError : public RunError {
 public:
  using RunError::RunError;
};

/// The process group of a run and its collective operations, on LibTorch's c10d (TCPStore, Gloo,
/// NCCL for CUDA). Every process calls the same operations in the same order. With one process,
/// nothing is opened and every operation returns at once.
///
/// Any operation throws PeerError if a process has died (at once) or keeps the others waiting for
/// longer than distributed.timeout_seconds.
class ProcessGroup {
 public:
  /// A single process.
  ProcessGroup();
  /// Waits for all processes of `environment` to join.
  ///
  /// Gloo listens at the address from which MASTER_ADDR is reached. GLOO_SOCKET_IFNAME (interface
  /// names separated by commas) chooses others.
  ProcessGroup(const LaunchEnvironment& environment, const DistributedConfig& config);
  ~ProcessGroup();
  ProcessGroup(const ProcessGroup&) = delete;
  ProcessGroup& operator=(const ProcessGroup&) = delete;

  int64_t rank() const { return rank_; }
  int64_t size() const { return size_; }
  /// Rank 0 is the process that writes files.
  bool is_first() const { return rank_ == 0; }

  /// Sums each number over the processes, in double precision. All processes get the same bits.
  std::vector<double> sum(std::vector<double> values);
  /// The same without waiting. Call the returned function once to get the result.
  std::function<std::vector<double>()> start_sum(std::vector<double> values);
  /// The maximum of each number over the processes.
  std::vector<int64_t> maximum(std::vector<int64_t> values);
  /// Replaces the tensor, in place, by the sum over the processes.
  void sum(at::Tensor tensor);

  /// Returns rank 0's text on every process.
  std::string broadcast(const std::string& text);
  /// Replaces the tensors, in place, by those of rank `from`, in pieces of bucket_megabytes.
  void broadcast(const std::vector<at::Tensor>& tensors, int64_t from);
  /// Sends one tensor from rank `from` to rank `to`; the others do nothing.
  void move(at::Tensor tensor, int64_t from, int64_t to);

  void barrier();

  /// The underlying c10d objects; null for a single process. For gradient_reducer.cpp.
  struct Handles;
  const Handles* handles() const { return handles_.get(); }

 private:
  int64_t rank_ = 0;
  int64_t size_ = 1;
  std::unique_ptr<Handles> handles_;
};

/// The address of this machine from which `host` is reached, e.g. for Gloo to listen at. Throws
/// RunError if the name cannot be resolved or there is no route to it.
std::string address_towards(const std::string& host, int64_t port);

}  // namespace linformer
