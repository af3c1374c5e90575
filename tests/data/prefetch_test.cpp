#include "linformer/data/prefetch.h"

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "core/temporary_folder.h"

namespace linformer {
namespace {

using std::chrono::milliseconds;

Batch numbered(int64_t number) {
  Batch batch;
  batch.num_tokens = number;
  return batch;
}

TEST(BatchPrefetcher, KeepsTheOrderForAnyNumberOfThreads) {
  for (const int64_t threads : {1, 2, 5}) {
    for (const int64_t depth : {1, 2, 16}) {
      BatchPrefetcher prefetcher(
          [](int64_t number) {
            // Later ones are often ready before earlier ones.
            std::this_thread::sleep_for(std::chrono::microseconds(number % 7 * 100));
            return numbered(number);
          },
          100, depth, threads);
      for (int64_t i = 100; i < 160; ++i) ASSERT_EQ(prefetcher.next().num_tokens, i);
    }
  }
}

TEST(BatchPrefetcher, MakesAtMostDepthAhead) {
  std::atomic<int64_t> made{0};
  BatchPrefetcher prefetcher(
      [&](int64_t number) {
        ++made;
        return numbered(number);
      },
      0, 3, 2);
  while (prefetcher.num_ready() < 3) std::this_thread::sleep_for(milliseconds(1));
  std::this_thread::sleep_for(milliseconds(30));
  EXPECT_EQ(made, 3);
  prefetcher.next();
  while (prefetcher.num_ready() < 3) std::this_thread::sleep_for(milliseconds(1));
  std::this_thread::sleep_for(milliseconds(30));
  EXPECT_EQ(made, 4);
}

TEST(BatchPrefetcher, CountsOnlyTheTimeItWaited) {
  BatchPrefetcher slow(
      [](int64_t number) {
        std::this_thread::sleep_for(milliseconds(20));
        return numbered(number);
      },
      0, 1);
  for (int i = 0; i < 5; ++i) slow.next();
  EXPECT_GE(slow.waited_seconds(), 0.07);

  BatchPrefetcher ready(numbered, 0, 4);
  while (ready.num_ready() < 4) std::this_thread::sleep_for(milliseconds(1));
  for (int i = 0; i < 4; ++i) ready.next();
  EXPECT_EQ(ready.waited_seconds(), 0.0);
}

TEST(BatchPrefetcher, AnExceptionComesOutInItsPlace) {
  for (const int64_t threads : {1, 3}) {
    BatchPrefetcher prefetcher(
        [](int64_t number) {
          if (number == 4) throw std::runtime_error("batch 4 is broken");
          return numbered(number);
        },
        0, 8, threads);
    for (int64_t i = 0; i < 4; ++i) EXPECT_EQ(prefetcher.next().num_tokens, i);
    for (int again = 0; again < 2; ++again) {
      EXPECT_EQ(message_of<std::runtime_error>([&] { prefetcher.next(); }), "batch 4 is broken");
    }
  }
}

TEST(BatchPrefetcher, EndsWhereTold) {
  std::atomic<int64_t> last{-1};
  BatchPrefetcher prefetcher(
      [&](int64_t number) {
        if (number > last) last = number;
        return numbered(number);
      },
      2, 4, 2, 5);
  for (int64_t i = 2; i < 5; ++i) EXPECT_EQ(prefetcher.next().num_tokens, i);
  EXPECT_THROW(prefetcher.next(), std::out_of_range);
  EXPECT_EQ(last, 4);
}

TEST(BatchPrefetcher, CanBeDestroyedAtAnyTime) {
  for (int trial = 0; trial < 60; ++trial) {
    BatchPrefetcher prefetcher(
        [trial](int64_t number) {
          if (trial % 3 == 0 && number == 5) throw std::runtime_error("never seen");
          std::this_thread::sleep_for(std::chrono::microseconds(trial * 10));
          return numbered(number);
        },
        0, 1 + trial % 4, 1 + trial % 3);
    for (int i = 0; i < trial % 5; ++i) prefetcher.next();
  }
}

}  // namespace
}  // namespace linformer
