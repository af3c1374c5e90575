#pragma once

#include <ATen/Parallel.h>

namespace linformer {

/// While it exists, LibTorch computes with one thread. For decompositions of the small matrices of
/// a head: LAPACK's threads wait for each other longer than they compute. Heads cannot be given to
/// several threads either, since LibTorch's LAPACK does not return from inside a parallel region.
class OneThread {
 public:
  OneThread() : threads_(at::get_num_threads()) { at::set_num_threads(1); }
  ~OneThread() { at::set_num_threads(threads_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int threads_;
};

}  // namespace linformer
