#include "linformer/kernels/caching_allocator.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <new>
#include <unordered_map>
#include <vector>

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <sys/mman.h>

namespace linformer {
namespace {

constexpr size_t kAlignment = 64;
constexpr size_t kLargeBytes = 256 * 1024;  // malloc keeps smaller blocks itself
constexpr size_t kHugePageBytes = 2 * 1024 * 1024;

/// Rounds up to a size class, an eighth of the power of two below. So at most 12.5 % is wasted, and
/// batches of slightly different lengths share their blocks.
size_t size_class(size_t bytes) {
  if (bytes < kLargeBytes) return (bytes + kAlignment - 1) / kAlignment * kAlignment;
  const size_t step = std::bit_floor(bytes) / 8;
  return (bytes + step - 1) / step * step;
}

class CachingAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t bytes) override {
    void* data = bytes == 0 ? nullptr : take(bytes);
    return {data, data, &CachingAllocator::give_back, c10::Device(c10::DeviceType::CPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &CachingAllocator::give_back; }
  void copy_data(void* destination, const void* source, size_t count) const override {
    std::memcpy(destination, source, count);
  }

  MemoryUse use() {
    const std::lock_guard lock(mutex_);
    return use_;
  }
  void reset_peak() {
    const std::lock_guard lock(mutex_);
    use_.peak_bytes = use_.live_bytes;
    use_.peak_requested_bytes = use_.requested_bytes;
  }
  void release() {
    const std::lock_guard lock(mutex_);
    for (auto& [size, list] : free_) {
      for (void* block : list.blocks) unmap(block, size);
      list.blocks.clear();
    }
  }

  static CachingAllocator& instance() {
    static auto* const allocator = new CachingAllocator;  // outlives every tensor
    return *allocator;
  }

 private:
  struct LiveBlock {
    size_t size;       // of the class of what was requested
    size_t requested;  // at most that
    size_t block;      // the block's own size, at least that
  };
  struct FreeList {
    std::vector<void*> blocks;
    uint64_t last_use = 0;
  };

  static void give_back(void* data) {
    if (data != nullptr) instance().put(data);
  }

  void* take(size_t bytes) {
    const size_t size = size_class(bytes);
    const std::lock_guard lock(mutex_);
    most_live_ = std::max(most_live_, use_.live_bytes + size);
    size_t block = size;
    void* data = find_free(block);
    if (data == nullptr) {
      make_room(size);
      data = map(size);
    }
    live_[data] = {size, bytes, block};
    use_.live_bytes += size;
    use_.peak_bytes = std::max(use_.peak_bytes, use_.live_bytes);
    use_.requested_bytes += bytes;
    use_.peak_requested_bytes = std::max(use_.peak_requested_bytes, use_.requested_bytes);
    return data;
  }

  void put(void* data) {
    const std::lock_guard lock(mutex_);
    const auto entry = live_.find(data);
    if (entry == live_.end()) std::abort();  // an unknown block: memory would be corrupted
    const auto [size, requested, block] = entry->second;
    live_.erase(entry);
    use_.live_bytes -= size;
    use_.requested_bytes -= requested;
    FreeList& list = free_[block];
    list.blocks.push_back(data);
    list.last_use = ++clock_;
  }

  /// A free block of this size, else the next larger one that is not too large for it; `size` is
  /// then its size. Null if there is none.
  void* find_free(size_t& size) {
    const size_t largest = size < kLargeBytes ? size : 2 * size;
    for (auto it = free_.lower_bound(size); it != free_.end() && it->first <= largest; ++it) {
      FreeList& list = it->second;
      if (list.blocks.empty()) continue;
      void* const data = list.blocks.back();
      list.blocks.pop_back();
      list.last_use = ++clock_;
      size = it->first;
      return data;
    }
    return nullptr;
  }

  /// Before a new block: gives free blocks back to the system, those first whose size was not
  /// wanted for the longest time, until a quarter more is kept than was ever in use. Batches whose
  /// lengths differ would otherwise leave blocks of every size.
  void make_room(size_t size) {
    const size_t most = most_live_ + most_live_ / 4;
    while (use_.reserved_bytes + size > most) {
      auto oldest = free_.end();
      for (auto it = free_.lower_bound(kLargeBytes); it != free_.end(); ++it) {
        if (it->second.blocks.empty()) continue;
        if (oldest == free_.end() || it->second.last_use < oldest->second.last_use) oldest = it;
      }
      if (oldest == free_.end()) return;
      unmap(oldest->second.blocks.back(), oldest->first);
      oldest->second.blocks.pop_back();
    }
  }

  void* map(size_t size) {
    void* data = nullptr;
    const size_t alignment = size >= kHugePageBytes ? kHugePageBytes : kAlignment;
    if (size < kLargeBytes) {
      if (posix_memalign(&data, alignment, size) != 0) throw std::bad_alloc();
    } else {
      data = map_aligned(size, alignment);
    }
    use_.reserved_bytes += size;
    return data;
  }

  static size_t mapped_size(size_t size) { return (size + 4095) / 4096 * 4096; }

  static void* map_aligned(size_t size, size_t alignment) {
    const size_t wanted = mapped_size(size) + (alignment > 4096 ? alignment : 0);
    void* raw = mmap(nullptr, wanted, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (raw == MAP_FAILED) throw std::bad_alloc();
    auto* const begin = static_cast<char*>(raw);
    auto* data = begin;
    if (alignment > 4096) {
      const auto address = reinterpret_cast<uintptr_t>(begin);
      data = begin + (alignment - address % alignment) % alignment;
      if (data != begin) munmap(begin, static_cast<size_t>(data - begin));
      char* const end = data + mapped_size(size);
      if (begin + wanted != end) munmap(end, static_cast<size_t>(begin + wanted - end));
      madvise(data, mapped_size(size), MADV_HUGEPAGE);
    }
    return data;
  }

  void unmap(void* data, size_t size) {
    if (size < kLargeBytes) {
      std::free(data);
    } else {
      munmap(data, mapped_size(size));
    }
    use_.reserved_bytes -= size;
  }

  std::mutex mutex_;
  std::map<size_t, FreeList> free_;  // by the blocks' size
  std::unordered_map<void*, LiveBlock> live_;
  MemoryUse use_;
  size_t most_live_ = 0;  // ever
  uint64_t clock_ = 0;    // counts uses of free lists
};

}  // namespace

void install_caching_allocator() {
  c10::SetCPUAllocator(&CachingAllocator::instance(), /*priority=*/100);
}

MemoryUse memory_use() {
  return CachingAllocator::instance().use();
}
void reset_peak_memory() {
  CachingAllocator::instance().reset_peak();
}
void release_cached_memory() {
  CachingAllocator::instance().release();
}

}  // namespace linformer
