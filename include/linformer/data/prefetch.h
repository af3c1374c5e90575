#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "linformer/data/batch.h"

namespace linformer {

/// Makes batches on background threads, at most `depth` ahead of the consumer, and returns them in
/// order. The batches do not depend on the number of threads, since `make` is pure.
///
/// If `make` throws, the exception comes out of the next() call that would have returned the batch,
/// and out of every later call. The destructor ends the threads after the batch that each is
/// making.
class BatchPrefetcher {
 public:
  using Make = std::function<Batch(int64_t micro_batch_number)>;

  /// Batches first, first + 1, ..., end - 1. `make` is called from `threads` threads at a time.
  /// depth and threads are at least 1.
  BatchPrefetcher(Make make, int64_t first, int64_t depth, int64_t threads = 1,
                  int64_t end = std::numeric_limits<int64_t>::max());
  ~BatchPrefetcher();
  BatchPrefetcher(const BatchPrefetcher&) = delete;
  BatchPrefetcher& operator=(const BatchPrefetcher&) = delete;

  /// The next batch; waits for it if necessary. Throws std::out_of_range past the end. Allows one
  /// consumer only.
  Batch next();

  /// Total seconds that next() has waited: time that training steps lost to the loader.
  double waited_seconds() const;
  /// Batches that are made but not yet taken.
  int64_t num_ready() const;

 private:
  struct Result {
    Batch batch;
    std::exception_ptr error;
  };

  void work();
  void stop();

  Make make_;
  const int64_t depth_;
  const int64_t end_;
  mutable std::mutex mutex_;
  std::condition_variable room_;   // a batch was taken, or the threads have to stop
  std::condition_variable ready_;  // a batch was made
  std::map<int64_t, Result> results_;
  int64_t next_to_make_;
  int64_t next_to_take_;
  bool stopping_ = false;
  double waited_seconds_ = 0.0;
  std::vector<std::thread> threads_;  // last, since the threads use the members above
};

}  // namespace linformer
