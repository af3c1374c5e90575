#include "linformer/kernels/thread_setup.h"

#include <algorithm>
#include <cstdlib>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "cpu/element_loops.h"

#include "linformer/core/processors.h"

namespace linformer {

int set_num_threads(int requested, int processes_here, std::string where) {
  cpu::element_loops();  // refuses a wrong choice before any work
  int count = requested;
  const char* const omp_threads = std::getenv("OMP_NUM_THREADS");
  if (count <= 0 && omp_threads != nullptr) {
    count = std::atoi(omp_threads);
    where = "OMP_NUM_THREADS";
  }
  if (count <= 0) {
    count = std::max(1, static_cast<int>(num_processors()) / processes_here);
  } else {
    check_threads(where, count);
  }
  at::set_num_threads(count);
  at::globalContext().setFlushDenormal(true);
  return count;
}

}  // namespace linformer
