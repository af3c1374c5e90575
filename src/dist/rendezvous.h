#pragma once

#include <string>

#include <torch/csrc/distributed/c10d/Store.hpp>

#include "linformer/config/distributed_config.h"
#include "linformer/dist/launch_environment.h"

namespace linformer {

/// The host at which the processes reach rank 0: MASTER_ADDR, or loopback if all of them are on one
/// machine, so that no other machine can connect.
std::string meeting_host(const LaunchEnvironment& environment);

bool is_loopback(const std::string& address);

/// The store through which the processes find each other. Rank 0 listens at meeting_host() only. It
/// listens at all addresses, with a warning, if that is not an address of its machine that others
/// can reach (a service, or a name that /etc/hosts maps to loopback).
///
/// A store has no passwords. As far as possible without them, it refuses processes that are not
/// part of the run: those of another run with the same port, and a second process with the same
/// rank. Throws PeerError if not all processes arrive in time, UsageError if a process does not
/// belong to the run.
c10::intrusive_ptr<c10d::Store> meet(const LaunchEnvironment& environment,
                                     const DistributedConfig& config);

}  // namespace linformer
