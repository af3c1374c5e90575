#include "linformer/kernels/thread_setup.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <sched.h>

namespace linformer {

int set_num_threads(int requested) {
  int count = requested;
  if (count <= 0) {
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    count = sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed) : 1;
  }
  at::set_num_threads(count);
  at::globalContext().setFlushDenormal(true);
  return count;
}

}  // namespace linformer
