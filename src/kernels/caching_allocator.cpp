#include "linformer/kernels/caching_allocator.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>
#include <set>
#include <unordered_map>
#include <vector>

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <sys/mman.h>

namespace linformer {
namespace {

constexpr size_t kAlignment = 64;
constexpr size_t kLargeBytes = 32 * 1024;  // smaller ones come from malloc
constexpr size_t kHugePageBytes = 2 * 1024 * 1024;

/// Rounds up to a size class, an eighth of the power of two below. So at most 12.5 % is wasted, and
/// batches of slightly different lengths have blocks of the same sizes.
size_t size_class(size_t bytes) {
  const size_t step = std::max(kAlignment, std::bit_floor(bytes) / 8);
  return (bytes + step - 1) / step * step;
}

/// Memory of the system, cut into blocks that are in use or free. Free neighbours are joined, so
/// blocks of one size become blocks of another. It calls the system only to grow, and to give back
/// whole mappings.
class BlockHeap {
 public:
  struct Block {
    char* begin = nullptr;
    size_t size = 0;
    bool is_free = true;
    uint64_t freed_at = 0;
    Block* before = nullptr;  // neighbours in the same mapping
    Block* after = nullptr;
  };

  /// A block of at least `size` bytes: the smallest that is free, cut to size.
  Block* take(size_t size) {
    const auto found = free_.lower_bound(size);
    Block* const block = found == free_.end() ? grow(size) : *found;
    free_.erase(block);
    block->is_free = false;
    cut(block, size);
    live_bytes_ += block->size;
    most_live_bytes_ = std::max(most_live_bytes_, live_bytes_);
    return block;
  }

  void give_back(Block* block) {
    live_bytes_ -= block->size;
    block->is_free = true;
    block->freed_at = ++clock_;
    if (block->after != nullptr && block->after->is_free) join(block, block->after);
    if (block->before != nullptr && block->before->is_free) {
      block->before->freed_at = block->freed_at;
      block = block->before;
      join(block, block->after);
    }
    free_.insert(block);
  }

  /// Gives every mapping without a block in use back to the system.
  void release() {
    while (Block* const block = oldest_free_mapping()) unmap(block);
  }

  size_t mapped_bytes() const { return mapped_bytes_; }
  size_t num_mappings() const { return num_mappings_; }

 private:
  struct BySize {
    using is_transparent = void;
    bool operator()(const Block* a, const Block* b) const {
      return a->size != b->size ? a->size < b->size : a->begin < b->begin;
    }
    bool operator()(const Block* a, size_t size) const { return a->size < size; }
  };

  static size_t whole_huge_pages(size_t bytes) {
    return (bytes + kHugePageBytes - 1) / kHugePageBytes * kHugePageBytes;
  }

  /// A new mapping for `size` bytes, larger than that where much is in use already: few large
  /// mappings leave less unused than many.
  Block* grow(size_t size) {
    const size_t generous = std::min(most_live_bytes_ / 8, kMostExtraBytes);
    size_t mapping = whole_huge_pages(std::max(size, generous));
    make_room(mapping);
    void* data = map(mapping);
    if (data == nullptr && mapping > whole_huge_pages(size)) {
      mapping = whole_huge_pages(size);
      data = map(mapping);
    }
    if (data == nullptr) {
      release();
      data = map(mapping);
    }
    if (data == nullptr) throw std::bad_alloc();
    mapped_bytes_ += mapping;
    ++num_mappings_;
    auto owned = std::make_unique<Block>(Block{.begin = static_cast<char*>(data), .size = mapping});
    Block* const block = owned.get();
    blocks_.emplace(block, std::move(owned));
    free_.insert(block);
    return block;
  }

  /// Before a new mapping: gives free ones back, those first that were not used for the longest
  /// time, until a quarter more is kept than was ever in use. If much is mapped anew, the limit was
  /// too low, and rises to a half.
  void make_room(size_t size) {
    mapped_since_ += size;
    if (mapped_since_ > 4 * most_live_bytes_) {
      mapped_since_ = 0;
      slack_eighths_ = std::min<size_t>(4, slack_eighths_ + 1);
    }
    const size_t most = most_live_bytes_ + most_live_bytes_ / 8 * slack_eighths_;
    while (mapped_bytes_ + size > most) {
      Block* const block = oldest_free_mapping();
      if (block == nullptr) return;
      unmap(block);
    }
  }

  Block* oldest_free_mapping() const {
    Block* oldest = nullptr;
    for (Block* const block : free_) {
      if (block->before != nullptr || block->after != nullptr) continue;
      if (oldest == nullptr || block->freed_at < oldest->freed_at) oldest = block;
    }
    return oldest;
  }

  /// Makes a free block of what is behind the first `size` bytes, unless that is little.
  void cut(Block* block, size_t size) {
    const size_t rest = block->size - size;
    if (rest < kLeastRestBytes) return;
    auto owned = std::make_unique<Block>(Block{.begin = block->begin + size,
                                               .size = rest,
                                               .freed_at = block->freed_at,
                                               .before = block,
                                               .after = block->after});
    Block* const behind = owned.get();
    blocks_.emplace(behind, std::move(owned));
    if (behind->after != nullptr) behind->after->before = behind;
    block->after = behind;
    block->size = size;
    free_.insert(behind);
  }

  /// Joins a block with the one behind it. Neither may be in free_ with its old size afterwards.
  void join(Block* block, Block* behind) {
    free_.erase(block);
    free_.erase(behind);
    block->size += behind->size;
    block->after = behind->after;
    if (block->after != nullptr) block->after->before = block;
    blocks_.erase(behind);
  }

  /// On huge-page boundaries. Null if the system has no memory left.
  static void* map(size_t size) {
    const size_t wanted = size + kHugePageBytes;
    void* raw = mmap(nullptr, wanted, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (raw == MAP_FAILED) return nullptr;
    auto* const begin = static_cast<char*>(raw);
    const auto address = reinterpret_cast<uintptr_t>(begin);
    char* const data = begin + (kHugePageBytes - address % kHugePageBytes) % kHugePageBytes;
    if (data != begin) munmap(begin, static_cast<size_t>(data - begin));
    char* const end = data + size;
    if (begin + wanted != end) munmap(end, static_cast<size_t>(begin + wanted - end));
    madvise(data, size, MADV_HUGEPAGE);
    return data;
  }

  void unmap(Block* block) {
    munmap(block->begin, block->size);
    mapped_bytes_ -= block->size;
    free_.erase(block);
    blocks_.erase(block);
  }

  static constexpr size_t kLeastRestBytes = 16 * 1024;
  static constexpr size_t kMostExtraBytes = 256 * 1024 * 1024;

  std::set<Block*, BySize> free_;
  std::unordered_map<Block*, std::unique_ptr<Block>> blocks_;
  size_t mapped_bytes_ = 0;
  size_t num_mappings_ = 0;
  size_t live_bytes_ = 0;
  size_t most_live_bytes_ = 0;  // ever
  size_t mapped_since_ = 0;     // bytes, since the limit of make_room() was last looked at
  size_t slack_eighths_ = 2;
  uint64_t clock_ = 0;
};

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
    MemoryUse use = use_;
    use.reserved_bytes = small_bytes_ + large_.mapped_bytes();
    use.num_mappings = large_.num_mappings();
    return use;
  }
  void reset_peak() {
    const std::lock_guard lock(mutex_);
    use_.peak_bytes = use_.live_bytes;
    use_.peak_requested_bytes = use_.requested_bytes;
  }
  void release() {
    const std::lock_guard lock(mutex_);
    for (auto& [size, list] : small_) {
      small_bytes_ -= size * list.size();
      for (void* data : list) std::free(data);
      list.clear();
    }
    large_.release();
  }

  static CachingAllocator& instance() {
    static auto* const allocator = new CachingAllocator;  // outlives every tensor
    return *allocator;
  }

 private:
  struct LiveBlock {
    size_t size;              // of the class of what was requested
    size_t requested;         // at most that
    BlockHeap::Block* block;  // null: a small one
  };

  static void give_back(void* data) {
    if (data != nullptr) instance().put(data);
  }

  void* take(size_t bytes) {
    const size_t size = size_class(bytes);
    const std::lock_guard lock(mutex_);
    BlockHeap::Block* const block = size < kLargeBytes ? nullptr : large_.take(size);
    void* const data = block == nullptr ? take_small(size) : block->begin;
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
    if (block != nullptr) {
      large_.give_back(block);
    } else {
      small_[size].push_back(data);
    }
  }

  void* take_small(size_t size) {
    std::vector<void*>& list = small_[size];
    if (!list.empty()) {
      void* const data = list.back();
      list.pop_back();
      return data;
    }
    void* data = nullptr;
    if (posix_memalign(&data, kAlignment, size) != 0) throw std::bad_alloc();
    small_bytes_ += size;
    return data;
  }

  std::mutex mutex_;
  std::unordered_map<size_t, std::vector<void*>> small_;  // free blocks below kLargeBytes, by size
  size_t small_bytes_ = 0;                                // in use and free
  BlockHeap large_;
  std::unordered_map<void*, LiveBlock> live_;
  MemoryUse use_;
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
