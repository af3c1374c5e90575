#include "linformer/dist/process_group.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <sstream>

#include <ATen/ATen.h>
#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <unistd.h>
#ifdef LINFORMER_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif

#include "process_group_handles.h"
#include "rendezvous.h"

#include "linformer/core/format.h"
#include "linformer/core/log.h"

namespace linformer {
namespace {

using Milliseconds = std::chrono::milliseconds;
using Work = c10::intrusive_ptr<c10d::Work>;

Milliseconds timeout_of(const DistributedConfig& config) {
  return Milliseconds(static_cast<int64_t>(config.timeout_seconds * 1000.0));
}

/// The first line of a message, since c10d appends stack traces.
std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> parts;
  std::istringstream text(list);
  for (std::string part; std::getline(text, part, ',');) parts.push_back(part);
  return parts;
}

c10::intrusive_ptr<c10d::ProcessGroupGloo::Options> gloo_options(
    const LaunchEnvironment& environment, const DistributedConfig& config) {
  auto options = c10d::ProcessGroupGloo::Options::create(timeout_of(config));
  const char* const interfaces = std::getenv("GLOO_SOCKET_IFNAME");
  if (interfaces != nullptr && *interfaces != '\0') {
    for (const std::string& name : split(interfaces)) {
      options->devices.push_back(c10d::ProcessGroupGloo::createDeviceForInterface(name));
    }
    return options;
  }
  const std::string address = address_towards(meeting_host(environment), environment.port);
  const bool names_loopback = is_loopback(environment.host) || environment.host == "localhost";
  if (is_loopback(address) && !names_loopback &&
      environment.local_world_size < environment.world_size) {
    log_warning("MASTER_ADDR " + environment.host + " is " + address +
                " here, which other machines do not reach; if they do not join, give an address "
                "that they reach, or name the interface in GLOO_SOCKET_IFNAME");
  }
  options->devices.push_back(c10d::ProcessGroupGloo::createDeviceForHostname(address));
  return options;
}

/// The backend for CUDA tensors: NCCL if it is built and not ruled out, else Gloo, through the CPU.
/// Returns whether it is Gloo.
bool add_cuda(c10d::ProcessGroup& group,
              [[maybe_unused]] const c10::intrusive_ptr<c10d::Store>& store,
              const c10::intrusive_ptr<c10d::ProcessGroupGloo>& gloo,
              const DistributedConfig& config) {
  [[maybe_unused]] const bool wanted = config.backend != CollectiveBackend::kGloo;
#ifdef LINFORMER_NCCL
  if (wanted && at::hasCUDA()) {
    auto options = c10d::ProcessGroupNCCL::Options::create();
    options->timeout = timeout_of(config);
    group.setBackend(c10::DeviceType::CUDA, c10d::ProcessGroup::BackendType::NCCL,
                     c10::make_intrusive<c10d::ProcessGroupNCCL>(
                         c10::make_intrusive<c10d::PrefixStore>("nccl", store), group.getRank(),
                         group.getSize(), options));
    return false;
  }
#endif
  if (config.backend == CollectiveBackend::kNccl) {
    fail_usage("distributed.backend", "nccl, but this build or this machine has no CUDA with NCCL",
               "set it to auto or gloo");
  }
  if (!at::hasCUDA()) return false;
  group.setBackend(c10::DeviceType::CUDA, c10d::ProcessGroup::BackendType::GLOO, gloo);
  return true;
}

/// Divides the tensors into pieces of at most `bytes` and returns their indices; a tensor is never
/// cut.
std::vector<std::vector<size_t>> pieces_of(const std::vector<at::Tensor>& tensors, double bytes) {
  std::vector<std::vector<size_t>> pieces;
  double filled = 0.0;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const auto size = static_cast<double>(tensors[i].nbytes());
    const bool fits = !pieces.empty() && filled + size <= bytes &&
                      tensors[i].scalar_type() == tensors[pieces.back().back()].scalar_type();
    if (!fits) {
      pieces.emplace_back();
      filled = 0.0;
    }
    pieces.back().push_back(i);
    filled += size;
  }
  return pieces;
}

}  // namespace

void ProcessGroup::Handles::fail(const std::string& operation, const std::string& what) const {
  const std::string reason = first_line(what);
  const bool late =
      reason.find("imed out") != std::string::npos || reason.find("imeout") != std::string::npos;
  throw PeerError(name,
                  operation + " failed: " +
                      (late ? "another process kept this one waiting for more than " +
                                  format_number(config.timeout_seconds) + " s"
                            : "another process is gone") +
                      " (" + reason + ")",
                  late ? "look for a process that hangs; if one was only slow, raise "
                         "distributed.timeout_seconds; the same command resumes from the last "
                         "checkpoint"
                       : "look at the log of the process that ended first; the same command "
                         "resumes from the last checkpoint");
}

std::string address_towards(const std::string& host, int64_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  const std::string service = std::to_string(std::max<int64_t>(1, port));
  const int error = ::getaddrinfo(host.c_str(), service.c_str(), &hints, &found);
  if (error != 0) {
    fail_run("MASTER_ADDR", "the host " + host + " is not known here: " + ::gai_strerror(error),
             "check the name, or give an address");
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    // A connected datagram socket sends nothing; it only selects the route.
    const int descriptor = ::socket(entry->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) continue;
    sockaddr_storage own{};
    socklen_t length = sizeof own;
    const bool known = ::connect(descriptor, entry->ai_addr, entry->ai_addrlen) == 0 &&
                       ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&own), &length) == 0;
    ::close(descriptor);
    char text[NI_MAXHOST];
    if (known && ::getnameinfo(reinterpret_cast<sockaddr*>(&own), length, text, sizeof text,
                               nullptr, 0, NI_NUMERICHOST) == 0) {
      return text;
    }
  }
  fail_run("MASTER_ADDR", "there is no route from this machine to " + host,
           "check the network, or name an interface in GLOO_SOCKET_IFNAME");
}

ProcessGroup::ProcessGroup() = default;
ProcessGroup::~ProcessGroup() = default;

ProcessGroup::ProcessGroup(const LaunchEnvironment& environment, const DistributedConfig& config)
    : rank_(environment.rank), size_(environment.world_size) {
  if (size_ == 1) return;
  const auto store = meet(environment, config);
  const auto rank = static_cast<int>(rank_);
  const auto size = static_cast<int>(size_);
  auto handles = std::make_unique<Handles>();
  handles->config = config;
  handles->name = "rank " + std::to_string(rank_) + " of " + std::to_string(size_);
  try {
    const auto gloo = c10::make_intrusive<c10d::ProcessGroupGloo>(
        c10::make_intrusive<c10d::PrefixStore>("gloo", store), rank, size,
        gloo_options(environment, config));
    handles->group = c10::make_intrusive<c10d::ProcessGroup>(store, rank, size);
    handles->group->setBackend(c10::DeviceType::CPU, c10d::ProcessGroup::BackendType::GLOO, gloo);
    handles->group->setDefaultBackend(c10d::ProcessGroup::BackendType::GLOO);
    handles->cuda_through_host = add_cuda(*handles->group, store, gloo, config);
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    handles->fail("connecting the processes", error.what());
  }
  handles_ = std::move(handles);
  barrier();
}

std::function<std::vector<double>()> ProcessGroup::start_sum(std::vector<double> values) {
  if (size_ == 1) return [values = std::move(values)] { return values; };
  std::vector<at::Tensor> tensors{at::tensor(values, at::kDouble)};
  Work work;
  try {
    work = handles_->group->allreduce(tensors);
  } catch (const std::exception& error) {
    handles_->fail("a sum over the processes", error.what());
  }
  return [this, work, tensor = tensors.front()] {
    try {
      work->wait();
    } catch (const std::exception& error) {
      handles_->fail("a sum over the processes", error.what());
    }
    const double* const data = tensor.const_data_ptr<double>();
    return std::vector<double>(data, data + tensor.numel());
  };
}

std::vector<double> ProcessGroup::sum(std::vector<double> values) {
  return start_sum(std::move(values))();
}

std::vector<int64_t> ProcessGroup::maximum(std::vector<int64_t> values) {
  if (size_ == 1) return values;
  std::vector<at::Tensor> tensors{at::tensor(values, at::kLong)};
  c10d::AllreduceOptions options;
  options.reduceOp = c10d::ReduceOp::MAX;
  try {
    handles_->group->allreduce(tensors, options)->wait();
  } catch (const std::exception& error) {
    handles_->fail("an agreement of the processes", error.what());
  }
  const int64_t* const data = tensors.front().const_data_ptr<int64_t>();
  return {data, data + tensors.front().numel()};
}

void ProcessGroup::sum(at::Tensor tensor) {
  if (size_ == 1) return;
  std::vector<at::Tensor> tensors{std::move(tensor)};
  try {
    handles_->group->allreduce(tensors)->wait();
  } catch (const std::exception& error) {
    handles_->fail("a sum over the processes", error.what());
  }
}

void ProcessGroup::broadcast(const std::vector<at::Tensor>& tensors, int64_t from) {
  if (size_ == 1) return;
  const at::NoGradGuard no_grad;
  c10d::BroadcastOptions options;
  options.rootRank = from;
  try {
    for (const auto& piece : pieces_of(tensors, handles_->config.bucket_megabytes * 1e6)) {
      std::vector<at::Tensor> parts;
      for (const size_t i : piece) parts.push_back(tensors[i].reshape({-1}));
      std::vector<at::Tensor> flat{at::cat(parts)};
      handles_->group->broadcast(flat, options)->wait();
      if (rank_ == from) continue;
      int64_t offset = 0;
      for (const size_t i : piece) {
        const int64_t count = tensors[i].numel();
        at::Tensor target = tensors[i].detach();
        target.copy_(flat.front().narrow(0, offset, count).view(target.sizes()));
        offset += count;
      }
    }
  } catch (const std::exception& error) {
    handles_->fail("sending tensors to all processes", error.what());
  }
}

std::string ProcessGroup::broadcast(const std::string& text) {
  if (size_ == 1) return text;
  const at::Tensor length = at::full({1}, static_cast<int64_t>(text.size()), at::kLong);
  broadcast({length}, 0);
  at::Tensor bytes = at::zeros({length.item<int64_t>()}, at::kByte);
  if (is_first() && !text.empty()) {
    std::memcpy(bytes.mutable_data_ptr(), text.data(), text.size());
  }
  broadcast({bytes}, 0);
  return {static_cast<const char*>(bytes.const_data_ptr()), static_cast<size_t>(bytes.numel())};
}

void ProcessGroup::move(at::Tensor tensor, int64_t from, int64_t to) {
  if (from == to || (rank_ != from && rank_ != to)) return;
  at::Tensor target = tensor.detach();
  const bool through_host = target.is_cuda() && handles_->cuda_through_host;
  // Gloo's sums and broadcasts go through the CPU's memory themselves; its messages don't.
  std::vector<at::Tensor> tensors{through_host ? target.to(at::kCPU) : target};
  constexpr int kTag = 0;
  try {
    if (rank_ == from) {
      handles_->group->send(tensors, static_cast<int>(to), kTag)->wait();
    } else {
      handles_->group->recv(tensors, static_cast<int>(from), kTag)->wait();
      if (through_host) target.copy_(tensors.front());
    }
  } catch (const std::exception& error) {
    handles_->fail("moving a tensor between processes", error.what());
  }
}

void ProcessGroup::barrier() {
  maximum({0});
}

}  // namespace linformer
