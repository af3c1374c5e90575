#pragma once

#include <atomic>
#include <cstdint>

namespace linformer {

/// While it exists, counts the multiply-adds of the matrix products inside this library's own CPU
/// kernels, in all threads. LibTorch's operators do not pass here, so that each product is seen
/// either here or by LibTorch's record functions. At most one exists at a time.
class OwnProductCounter {
 public:
  OwnProductCounter();
  ~OwnProductCounter();
  OwnProductCounter(const OwnProductCounter&) = delete;
  OwnProductCounter& operator=(const OwnProductCounter&) = delete;

  int64_t multiply_adds() const { return multiply_adds_; }

  /// Called for each product, by the kernels.
  static void add(int64_t multiply_adds) {
    OwnProductCounter* const counter = active_.load(std::memory_order_relaxed);
    if (counter != nullptr) {
      counter->multiply_adds_.fetch_add(multiply_adds, std::memory_order_relaxed);
    }
  }

 private:
  static std::atomic<OwnProductCounter*> active_;
  std::atomic<int64_t> multiply_adds_ = 0;
};

}  // namespace linformer
