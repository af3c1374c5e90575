#include "linformer/kernels/caching_allocator.h"

#include <algorithm>
#include <thread>
#include <vector>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace linformer {
namespace {

class CachingAllocatorTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { install_caching_allocator(); }
};

TEST_F(CachingAllocatorTest, ReusesABlockOfTheSameClass) {
  const void* first = nullptr;
  {
    const at::Tensor a = at::empty({1000, 1000});
    first = a.data_ptr();
  }
  const at::Tensor b = at::empty({1000, 999});
  EXPECT_EQ(b.data_ptr(), first);
}

TEST_F(CachingAllocatorTest, CountsLiveAndPeakBytes) {
  const size_t before = memory_use().live_bytes;
  reset_peak_memory();
  {
    const at::Tensor a = at::empty({1 << 20});
    EXPECT_GE(memory_use().live_bytes, before + (4U << 20));
  }
  EXPECT_EQ(memory_use().live_bytes, before);
  EXPECT_GE(memory_use().peak_bytes, before + (4U << 20));
}

TEST_F(CachingAllocatorTest, CountsRequestedBytesExactly) {
  const size_t before = memory_use().requested_bytes;
  reset_peak_memory();
  constexpr size_t kBytes = 4 * 1'100'001;  // between two size classes
  {
    const at::Tensor a = at::empty({1'100'001});
    EXPECT_EQ(memory_use().requested_bytes, before + kBytes);
  }
  EXPECT_EQ(memory_use().requested_bytes, before);
  EXPECT_EQ(memory_use().peak_requested_bytes, before + kBytes);
}

TEST_F(CachingAllocatorTest, SteadyStateTakesNothingFromTheSystem) {
  const auto work = [] {
    at::Tensor x = at::ones({512, 512});
    for (int i = 0; i < 4; ++i) x = at::mm(x, x).tanh();
    return x.sum().item<float>();
  };
  work();
  const size_t reserved = memory_use().reserved_bytes;
  for (int i = 0; i < 5; ++i) work();
  EXPECT_EQ(memory_use().reserved_bytes, reserved);
}

// Batches of mixed lengths: sizes that hardly ever come again.
TEST_F(CachingAllocatorTest, ChangingSizesKeepLittleMoreThanWasInUse) {
  release_cached_memory();
  const size_t before = memory_use().reserved_bytes;
  constexpr size_t kMost = 4 * 6'000'000 * 5;  // bytes in use at a time
  size_t seen = 0;
  for (int64_t i = 0; i < 300; ++i) {
    std::vector<at::Tensor> live;
    for (int64_t j = 0; j < 5; ++j) {
      live.push_back(at::empty({1'000'000 + (i * 7919 + j * 104729) % 5'000'000}));
    }
    seen = std::max(seen, memory_use().reserved_bytes - before);
  }
  EXPECT_LE(seen, kMost / 2 * 3);
}

TEST_F(CachingAllocatorTest, ALargerBlockServesASmallerRequest) {
  release_cached_memory();
  const void* first = nullptr;
  {
    const at::Tensor large = at::empty({3'000'000});
    first = large.data_ptr();
  }
  const at::Tensor half = at::empty({1'600'000});
  EXPECT_EQ(half.data_ptr(), first);
  const at::Tensor small = at::empty({300'000});
  EXPECT_NE(small.data_ptr(), first);
}

TEST_F(CachingAllocatorTest, ReleaseGivesFreeBlocksBack) {
  { const at::Tensor a = at::empty({3 << 20}); }
  const size_t reserved = memory_use().reserved_bytes;
  release_cached_memory();
  EXPECT_LE(memory_use().reserved_bytes + (12U << 20), reserved);
}

TEST_F(CachingAllocatorTest, BlocksOfManyThreadsDoNotOverlap) {
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t, &wrong] {
      for (int i = 0; i < 200; ++i) {
        const at::Tensor a = at::full({(i % 7 + 1) * 20000}, static_cast<float>(t));
        if (a.sum().item<float>() != static_cast<float>(a.numel() * t)) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong.load(), 0);
}

TEST_F(CachingAllocatorTest, AlignsToSixtyFourBytes) {
  for (const int64_t size : {1, 100, 5000, 70000, 1 << 20, 3 << 20}) {
    EXPECT_EQ(reinterpret_cast<uintptr_t>(at::empty({size}).data_ptr()) % 64, 0U) << size;
  }
}

}  // namespace
}  // namespace linformer
