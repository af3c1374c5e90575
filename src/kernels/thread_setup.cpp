#include "linformer/kernels/thread_setup.h"

#include <algorithm>
#include <cstdlib>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <sched.h>

namespace linformer {

int set_num_threads(int requested, int processes_here) {
  int count = requested;
  const char* const omp_threads = std::getenv("OMP_NUM_THREADS");
  if (count <= 0 && processes_here > 1 && omp_threads != nullptr) count = std::atoi(omp_threads);
  if (count <= 0) {
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    count = sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed) : 1;
    count = std::max(1, count / processes_here);
  }
  at::set_num_threads(count);
  at::globalContext().setFlushDenormal(true);
  return count;
}

}  // namespace linformer
