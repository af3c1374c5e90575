#pragma once

#include <exception>
#include <functional>
#include <thread>
#include <vector>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "linformer/dist/process_group.h"

namespace linformer {

inline int64_t unused_port() {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  ::bind(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address);
  ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &length);
  ::close(descriptor);
  return ntohs(address.sin_port);
}

/// Runs `body` as each rank of a group of `size`, in threads of this process: c10d does not mind,
/// and it takes milliseconds. (tests/cli has processes.) The first exception comes out.
inline void as_processes(int64_t size, const std::function<void(ProcessGroup&)>& body,
                         DistributedConfig config = {}) {
  config.timeout_seconds = std::min(config.timeout_seconds, 60.0);
  const int64_t port = unused_port();
  std::vector<std::exception_ptr> errors(static_cast<size_t>(size));
  std::vector<std::thread> threads;
  for (int64_t rank = 0; rank < size; ++rank) {
    threads.emplace_back([&, rank] {
      try {
        ProcessGroup group({rank, size, rank, size, "127.0.0.1", port, "test"}, config);
        body(group);
      } catch (...) {
        errors[static_cast<size_t>(rank)] = std::current_exception();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::exception_ptr& error : errors) {
    if (error) std::rethrow_exception(error);
  }
}

}  // namespace linformer
