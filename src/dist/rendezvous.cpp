#include "rendezvous.h"

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <memory>

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#include <unistd.h>

#include "linformer/core/format.h"
#include "linformer/core/log.h"
#include "linformer/dist/process_group.h"

namespace linformer {
namespace {

constexpr const char* kRunKey = "linformer/run";
constexpr const char* kRankKey = "linformer/rank/";

using Addresses = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

/// The first line of a message, since c10d appends stack traces.
std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

bool on_one_machine(const LaunchEnvironment& environment) {
  return environment.local_world_size == environment.world_size;
}

Addresses resolve(const std::string& host, const std::string& service, int flags) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  addrinfo* found = nullptr;
  const int error =
      ::getaddrinfo(host.empty() ? nullptr : host.c_str(), service.c_str(), &hints, &found);
  if (error != 0) {
    fail_run("MASTER_ADDR", "the host " + host + " is not known here: " + ::gai_strerror(error),
             "check the name, or give an address");
  }
  return {found, &::freeaddrinfo};
}

std::string text_of(const addrinfo& entry) {
  char text[NI_MAXHOST] = "";
  ::getnameinfo(entry.ai_addr, entry.ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST);
  return text;
}

/// A socket bound to the address; -1 if this machine does not have it.
int bind_to(const addrinfo& entry, const LaunchEnvironment& environment) {
  const int descriptor = ::socket(entry.ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return -1;  // IPv6 may be switched off
  const int on = 1, off = 0;
  ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (entry.ai_family == AF_INET6) {
    ::setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  }
  if (::bind(descriptor, entry.ai_addr, entry.ai_addrlen) == 0) return descriptor;
  const int error = errno;
  ::close(descriptor);
  if (error == EADDRNOTAVAIL) return -1;
  fail_run("MASTER_PORT",
           "cannot listen at " + text_of(entry) + " port " + std::to_string(environment.port) +
               ": " + std::strerror(error),
           "give a port that is free there; a run that has not ended may still hold this one");
}

int bind_to_all(const LaunchEnvironment& environment) {
  for (const int family : {AF_INET6, AF_INET}) {  // IPv6 takes IPv4 as well
    const Addresses any = resolve("", std::to_string(environment.port), AI_PASSIVE);
    for (const addrinfo* entry = any.get(); entry != nullptr; entry = entry->ai_next) {
      const int descriptor = entry->ai_family == family ? bind_to(*entry, environment) : -1;
      if (descriptor >= 0) return descriptor;
    }
  }
  fail_run("MASTER_PORT", "this machine has no address to listen at", "check its network");
}

/// The socket at which rank 0 listens.
int listening_socket(const LaunchEnvironment& environment, const std::string& host) {
  const Addresses found = resolve(host, std::to_string(environment.port), 0);
  const bool loopback_meant =
      on_one_machine(environment) || is_loopback(host) || host == "localhost";
  for (const addrinfo* entry = found.get(); entry != nullptr; entry = entry->ai_next) {
    if (is_loopback(text_of(*entry)) && !loopback_meant) continue;
    const int descriptor = bind_to(*entry, environment);
    if (descriptor >= 0) return descriptor;
  }
  log_warning("MASTER_ADDR " + host +
              " is not an address of this machine that others can reach, so it listens at all of "
              "its addresses, port " +
              std::to_string(environment.port));
  return bind_to_all(environment);
}

/// A text that all processes of a run know and those of another run do not; "" if the launcher
/// provides none.
std::string run_identity(const LaunchEnvironment& environment) {
  const auto variable = [](const char* name) {
    const char* const value = std::getenv(name);
    return std::string(value == nullptr ? "" : value);
  };
  std::string identity = variable("LINFORMER_RUN_ID");
  if (identity.empty() && environment.launcher == "SLURM") {
    identity = variable("SLURM_JOB_ID") + "." + variable("SLURM_STEP_ID");
  }
  if (identity.empty()) identity = variable("TORCHELASTIC_RUN_ID");
  return identity + " of " + std::to_string(environment.world_size);
}

void check_membership(c10d::Store& store, const LaunchEnvironment& environment,
                      const std::string& place) {
  const std::string own = run_identity(environment);
  if (environment.rank == 0) store.set(kRunKey, std::vector<uint8_t>(own.begin(), own.end()));
  const std::vector<uint8_t> run = store.get(kRunKey);
  const std::string who = "rank " + std::to_string(environment.rank);
  if (std::string(run.begin(), run.end()) != own) {
    fail_usage(who, place + " belongs to another run",
               "give each run its own MASTER_PORT, and all processes of a run the same "
               "LINFORMER_RUN_ID (or none)");
  }
  if (store.add(kRankKey + std::to_string(environment.rank), 1) > 1) {
    fail_usage(who, "another process at " + place + " is this rank already",
               "start each rank once; a run that has not ended may still hold the port");
  }
}

}  // namespace

bool is_loopback(const std::string& address) {
  return address.starts_with("127.") || address == "::1";
}

std::string meeting_host(const LaunchEnvironment& environment) {
  if (!on_one_machine(environment) || is_loopback(environment.host)) return environment.host;
  return "127.0.0.1";
}

c10::intrusive_ptr<c10d::Store> meet(const LaunchEnvironment& environment,
                                     const DistributedConfig& config) {
  const std::string host = meeting_host(environment);
  c10d::TCPStoreOptions options;
  options.port = static_cast<uint16_t>(environment.port);
  options.isServer = environment.rank == 0;
  options.numWorkers = static_cast<size_t>(environment.world_size);
  options.timeout =
      std::chrono::milliseconds(static_cast<int64_t>(config.timeout_seconds * 1000.0));
  if (options.isServer) options.masterListenFd = listening_socket(environment, host);
  const std::string place = host + " port " + std::to_string(environment.port);
  try {
    auto store = c10::make_intrusive<c10d::TCPStore>(host, options);
    check_membership(*store, environment, place);
    return store;
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    throw PeerError("rank " + std::to_string(environment.rank) + " of " +
                        std::to_string(environment.world_size),
                    "the processes did not all meet at " + place + " within " +
                        format_number(config.timeout_seconds) + " s: " + first_line(error.what()),
                    "check that every process was started and reaches that address, that the port "
                    "is free there (MASTER_PORT), and distributed.timeout_seconds");
  }
}

}  // namespace linformer
