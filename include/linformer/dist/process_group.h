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

/// Another process of the run is gone or too slow. What was agreed on before still holds.
class PeerError : public RunError {
 public:
  using RunError::RunError;
};

/// The processes of a run and their collective operations, on LibTorch's c10d (TCPStore, Gloo, NCCL
/// for CUDA). Every process calls the same operations in the same order. With one process nothing
/// is opened and every operation returns at once.
///
/// Any operation throws PeerError when a process has died (at once) or keeps the others waiting for
/// longer than distributed.timeout_seconds.
class ProcessGroup {
 public:
  /// One process.
  ProcessGroup();
  /// Waits for all processes of `environment` to join.
  ///
  /// Gloo listens at the address from which MASTER_ADDR is reached; GLOO_SOCKET_IFNAME (names of
  /// interfaces with commas between them) chooses others.
  ProcessGroup(const LaunchEnvironment& environment, const DistributedConfig& config);
  ~ProcessGroup();
  ProcessGroup(const ProcessGroup&) = delete;
  ProcessGroup& operator=(const ProcessGroup&) = delete;

  int64_t rank() const { return rank_; }
  int64_t size() const { return size_; }
  /// Rank 0: the one that writes.
  bool is_first() const { return rank_ == 0; }

  /// Each number summed over the processes, in double precision; the same bits everywhere.
  std::vector<double> sum(std::vector<double> values);
  /// The same without waiting; the result comes from calling what is returned, once.
  std::function<std::vector<double>()> start_sum(std::vector<double> values);
  /// The largest of each number.
  std::vector<int64_t> maximum(std::vector<int64_t> values);
  /// The tensor, in place, becomes the sum over the processes.
  void sum(at::Tensor tensor);

  /// Rank 0's text.
  std::string broadcast(const std::string& text);
  /// The tensors, in place, become those of rank `from`; in pieces of bucket_megabytes.
  void broadcast(const std::vector<at::Tensor>& tensors, int64_t from);
  /// One tensor from rank `from` to rank `to`; the others do nothing.
  void move(at::Tensor tensor, int64_t from, int64_t to);

  void barrier();

  /// The c10d objects behind it; null with one process. For gradient_reducer.cpp.
  struct Handles;
  const Handles* handles() const { return handles_.get(); }

 private:
  int64_t rank_ = 0;
  int64_t size_ = 1;
  std::unique_ptr<Handles> handles_;
};

/// The address of this machine from which `host` is reached, e.g. for Gloo to listen at. RunError
/// if the name cannot be resolved or there is no way there.
std::string address_towards(const std::string& host, int64_t port);

}  // namespace linformer
