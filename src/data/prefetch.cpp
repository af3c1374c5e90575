#include "linformer/data/prefetch.h"

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <utility>

namespace linformer {

BatchPrefetcher::BatchPrefetcher(Make make, int64_t first, int64_t depth, int64_t threads,
                                 int64_t end)
    : make_(std::move(make)),
      depth_(std::max<int64_t>(depth, 1)),
      end_(end),
      next_to_make_(first),
      next_to_take_(first) {
  try {
    for (int64_t i = 0; i < std::max<int64_t>(threads, 1); ++i)
      threads_.emplace_back([this] { work(); });
  } catch (...) {  // the system refused a thread: end the running threads first
    stop();
    throw;
  }
}

BatchPrefetcher::~BatchPrefetcher() {
  stop();
}

void BatchPrefetcher::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  room_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void BatchPrefetcher::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    // This form cannot overflow when next_to_take_ + depth_ would, near the end of the range.
    room_.wait(lock, [this] {
      return stopping_ || next_to_make_ >= end_ || next_to_make_ - next_to_take_ < depth_;
    });
    if (stopping_ || next_to_make_ >= end_) return;
    const int64_t number = next_to_make_++;
    lock.unlock();
    Result result;
    try {
      result.batch = make_(number);
    } catch (...) {
      result.error = std::current_exception();
    }
    lock.lock();
    // Batches after a failed one are never returned.
    if (result.error) next_to_make_ = std::max(next_to_make_, end_);
    results_.emplace(number, std::move(result));
    ready_.notify_one();
  }
}

Batch BatchPrefetcher::next() {
  std::unique_lock lock(mutex_);
  if (next_to_take_ >= end_) throw std::out_of_range("no batch is left");
  const auto is_ready = [this] { return results_.contains(next_to_take_); };
  if (!is_ready()) {
    const auto start = std::chrono::steady_clock::now();
    ready_.wait(lock, is_ready);
    waited_seconds_ +=
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
  const auto found = results_.find(next_to_take_);
  if (found->second.error) std::rethrow_exception(found->second.error);  // kept for later calls
  Batch batch = std::move(found->second.batch);
  results_.erase(found);
  ++next_to_take_;
  lock.unlock();
  room_.notify_one();
  return batch;
}

double BatchPrefetcher::waited_seconds() const {
  const std::lock_guard lock(mutex_);
  return waited_seconds_;
}

int64_t BatchPrefetcher::num_ready() const {
  const std::lock_guard lock(mutex_);
  return static_cast<int64_t>(results_.size());
}

}  // namespace linformer
