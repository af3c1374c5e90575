#pragma once

#include <string>

#include <torch/csrc/distributed/c10d/Store.hpp>

#include "linformer/config/distributed_config.h"
#include "linformer/dist/launch_environment.h"

namespace linformer {

/// Where the processes reach rank 0: MASTER_ADDR, or loopback where all of them are on one machine,
/// so that no other machine can reach what they listen at.
std::string meeting_host(const LaunchEnvironment& environment);

bool is_loopback(const std::string& address);

/// The store through which the processes find each other. Rank 0 listens at meeting_host() alone;
/// at all addresses, with a warning, only where that is no address of its machine that others could
/// reach (a service, a name that /etc/hosts gives to loopback).
///
/// Refuses, as far as a store without passwords can, what is not of the run: processes of another
/// run that was given the same port, and two that claim the same rank. Throws PeerError where not
/// all come in time, UsageError where a process does not belong here.
c10::intrusive_ptr<c10d::Store> meet(const LaunchEnvironment& environment,
                                     const DistributedConfig& config);

}  // namespace linformer
