#include "linformer/core/memory_size.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>

#include <sys/resource.h>

namespace linformer {
namespace {

constexpr double kUnlimited = std::numeric_limits<double>::infinity();

/// The number in a file; kUnlimited for "max", or if there is no such file.
double limit_in(const std::string& path) {
  std::ifstream file(path);
  double bytes = 0.0;
  return file >> bytes ? bytes : kUnlimited;
}

double free_of_machine() {
  std::ifstream file("/proc/meminfo");
  double kib = 0.0;
  bool known = false;
  std::string name, unit;
  for (double value = 0.0; file >> name >> value && std::getline(file, unit);) {
    if (name == "MemAvailable:") known = true;
    if (name == "MemAvailable:" || name == "SwapFree:") kib += value;
  }
  return known ? kib * 1024.0 : kUnlimited;
}

/// The limits of the group itself and of its parents, in version 2, then in version 1.
double limit_of_groups() {
  double limit = limit_in("/sys/fs/cgroup/memory/memory.limit_in_bytes");
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    if (!line.starts_with("0::/")) continue;
    for (std::string path = line.substr(3); !path.empty(); path.resize(path.rfind('/'))) {
      limit = std::min(limit, limit_in("/sys/fs/cgroup" + path + "/memory.max"));
      if (path == "/") break;
    }
  }
  return std::min(limit, limit_in("/sys/fs/cgroup/memory.max"));
}

double limit_of_process() {
  rlimit limit{};
  const bool limited = ::getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
  return limited ? static_cast<double>(limit.rlim_cur) : kUnlimited;
}

}  // namespace

double available_memory_bytes() {
  return std::min({free_of_machine(), limit_of_groups(), limit_of_process()});
}

double peak_process_bytes() {
  rusage usage{};
  return ::getrusage(RUSAGE_SELF, &usage) == 0 ? static_cast<double>(usage.ru_maxrss) * 1024.0
                                               : 0.0;
}

}  // namespace linformer
