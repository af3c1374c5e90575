#include "linformer/kernels/caching_allocator.h"

#include <algorithm>
#include <random>
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
  release_cached_memory();
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

// A training step whose shapes vary a little: weights and moments stay, activations are kept until
// the backward pass, which frees them in reverse order, and each batch predicts a few tokens more
// or less. Memory that is returned to the system in each step would cost a page fault for every
// page.
TEST_F(CachingAllocatorTest, StepsOfSlightlyDifferentShapesTakeNothingFromTheSystem) {
  release_cached_memory();
  std::mt19937 random(1);
  std::uniform_int_distribution<int64_t> predictions(900, 1100);
  std::vector<at::Tensor> weights;
  for (int i = 0; i < 30; ++i) weights.push_back(at::empty({128, 128 + 512 * (i % 4)}));
  const auto step = [&] {
    constexpr int64_t kTokens = 2048;
    std::vector<at::Tensor> kept;
    for (int layer = 0; layer < 4; ++layer) {
      for (const int64_t width : {128, 384, 128, 512, 128}) {
        kept.push_back(at::empty({kTokens, width}));
        const at::Tensor passing = at::empty({kTokens, width + 7});
      }
    }
    const int64_t rows = predictions(random);
    kept.push_back(at::empty({rows, 128}));
    kept.push_back(at::empty({rows, 8000}));
    while (!kept.empty()) {
      const at::Tensor gradient = at::empty_like(kept.back());
      const at::Tensor other = at::empty({kept.back().numel() / 3});
      kept.pop_back();
    }
  };
  for (int i = 0; i < 20; ++i) step();
  const size_t mappings = memory_use().num_mappings_made;
  const size_t reserved = memory_use().reserved_bytes;
  for (int i = 0; i < 200; ++i) step();
  EXPECT_LE(memory_use().num_mappings_made, mappings + 4);
  EXPECT_LE(memory_use().reserved_bytes, reserved + reserved / 4);
}

// Blocks are cut and joined in any order; what is written into one stays as it is.
TEST_F(CachingAllocatorTest, BlocksOfAnySizesDoNotOverlap) {
  release_cached_memory();
  struct Written {
    at::Tensor tensor;
    int64_t mark;
  };
  std::mt19937 random(2);
  std::uniform_int_distribution<int64_t> bytes(1, 6 << 20);
  std::vector<Written> live;
  const auto is_whole = [](const Written& one) {
    const int64_t* const data = one.tensor.const_data_ptr<int64_t>();
    for (int64_t i = 0; i < one.tensor.numel(); i += 500) {
      if (data[i] != one.mark + i) return false;
    }
    return data[one.tensor.numel() - 1] == one.mark + one.tensor.numel() - 1;
  };
  for (int64_t round = 0; round < 1500; ++round) {
    const bool takes = live.size() < 5 || (live.size() < 40 && random() % 2 == 0);
    if (takes) {
      Written one{at::empty({(bytes(random) + 7) / 8}, at::kLong), round << 32};
      int64_t* const data = one.tensor.mutable_data_ptr<int64_t>();
      for (int64_t i = 0; i < one.tensor.numel(); i += 500) data[i] = one.mark + i;
      data[one.tensor.numel() - 1] = one.mark + one.tensor.numel() - 1;
      live.push_back(std::move(one));
    } else {
      const size_t which = random() % live.size();
      ASSERT_TRUE(is_whole(live[which])) << round;
      std::swap(live[which], live.back());
      live.pop_back();
    }
  }
  for (const Written& one : live) ASSERT_TRUE(is_whole(one));
  const size_t with_blocks = memory_use().reserved_bytes;
  live.clear();
  release_cached_memory();
  EXPECT_LT(memory_use().reserved_bytes, with_blocks / 4);  // all of it is whole mappings again
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

// The same with small ones, of which each step has other sizes.
TEST_F(CachingAllocatorTest, ChangingSmallSizesKeepLittleMoreThanWasInUse) {
  release_cached_memory();
  const size_t before = memory_use().reserved_bytes;
  std::mt19937 random(3);
  for (const int64_t largest : {2'000, 30'000, 200'000}) {
    std::uniform_int_distribution<int64_t> bytes(largest / 2, largest);
    for (int64_t i = 0; i < 2000; ++i) {
      std::vector<at::Tensor> live;
      for (int64_t j = 0; j < 20; ++j) live.push_back(at::empty({bytes(random)}, at::kByte));
    }
  }
  // At most 4 MB are in use at a time. Kept by size, there would be hundreds. Each mapping has 2
  // MiB at least.
  EXPECT_LE(memory_use().reserved_bytes - before, size_t{32} << 20);
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
