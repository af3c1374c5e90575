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
/// whole mappings. The owner's mutex protects it.
///
/// Whatever allocates comes before the first change, so an exception changes nothing, and
/// give_back(), which destructors call, allocates nothing.
class BlockHeap {
 public:
  struct Block;

 private:
  struct BySize {
    using is_transparent = void;
    bool operator()(const Block* a, const Block* b) const {
      return a->size != b->size ? a->size < b->size : a->begin < b->begin;
    }
    bool operator()(const Block* a, size_t size) const { return a->size < size; }
  };
  using FreeBlocks = std::set<Block*, BySize>;

 public:
  struct Block {
    char* begin = nullptr;
    size_t size = 0;
    bool is_free = true;
    uint64_t freed_at = 0;
    Block* before = nullptr;  // neighbours in the same mapping
    Block* after = nullptr;
    FreeBlocks::node_type node = {};  // of free_, while the block is in use
  };

  /// A block of at least `size` bytes: the smallest that is free, cut to size.
  Block* take(size_t size) {
    auto found = free_.lower_bound(size);
    if (found == free_.end()) found = grow(size);
    Block* const block = *found;
    cut(block, size, found);
    block->is_free = false;
    live_bytes_ += block->size;
    if (live_bytes_ > most_live_bytes_) {
      most_live_bytes_ = live_bytes_;
      evicted_bytes_ = 0;
    }
    return block;
  }

  void give_back(Block* block) {
    live_bytes_ -= block->size;
    block->is_free = true;
    block->freed_at = ++clock_;
    if (block->after != nullptr && block->after->is_free) absorb(block);
    if (block->before != nullptr && block->before->is_free) {
      Block* const before = block->before;
      before->freed_at = block->freed_at;
      before->node = free_.extract(before);
      absorb(before);
      block = before;
    }
    free_.insert(std::move(block->node));
  }

  /// Gives every mapping without a block in use back to the system.
  void release() {
    for (Block* block; (block = oldest_free_mapping()) != nullptr;) {
      if (!unmap(block)) return;
    }
  }

  size_t mapped_bytes() const { return mapped_bytes_; }
  size_t num_mappings_made() const { return num_mappings_made_; }

 private:
  static size_t whole_huge_pages(size_t bytes) {
    return (bytes + kHugePageBytes - 1) / kHugePageBytes * kHugePageBytes;
  }

  /// What is kept at most when `size` more bytes are taken: a quarter more than was ever in use, or
  /// half more if free mappings had to go again and again.
  size_t limit(size_t size) const {
    const size_t most = std::max(most_live_bytes_, live_bytes_ + size);
    return most + (evicted_bytes_ > 2 * most ? most / 2 : most / 4);
  }

  /// A new mapping for `size` bytes, larger than that where the limit allows it: few large mappings
  /// leave less unused than many.
  FreeBlocks::iterator grow(size_t size) {
    const size_t least = whole_huge_pages(size);
    make_room(least, limit(size));
    const size_t room = limit(size) > mapped_bytes_ ? limit(size) - mapped_bytes_ : 0;
    size_t mapping =
        whole_huge_pages(std::max(size, std::min(most_live_bytes_ / 8, kMostExtraBytes)));
    if (mapping > room) mapping = least;
    void* data = map(mapping);
    if (data == nullptr) {
      release();
      mapping = least;
      data = map(mapping);
    }
    if (data == nullptr) throw std::bad_alloc();
    try {
      auto block =
          std::make_unique<Block>(Block{.begin = static_cast<char*>(data), .size = mapping});
      const auto place = free_.insert(block.get()).first;
      block.release();  // owned by its mapping from here on
      mapped_bytes_ += mapping;
      ++num_mappings_made_;
      return place;
    } catch (...) {
      munmap(data, mapping);
      throw;
    }
  }

  /// Before a new mapping of `size` bytes: gives free ones back, those first that were not used for
  /// the longest time.
  void make_room(size_t size, size_t most) {
    while (mapped_bytes_ + size > most) {
      Block* const block = oldest_free_mapping();
      if (block == nullptr) return;
      const size_t bytes = block->size;
      if (!unmap(block)) return;
      evicted_bytes_ += bytes;
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

  /// Takes the block at `place` out of free_. What is behind its first `size` bytes becomes a free
  /// block, unless that is little.
  void cut(Block* block, size_t size, FreeBlocks::iterator place) {
    if (block->size - size < kLeastRestBytes) {
      block->node = free_.extract(place);
      return;
    }
    auto rest = std::make_unique<Block>(Block{.begin = block->begin + size,
                                              .size = block->size - size,
                                              .freed_at = block->freed_at,
                                              .before = block,
                                              .after = block->after});
    free_.insert(rest.get());
    block->node = free_.extract(place);
    Block* const behind = rest.release();
    if (behind->after != nullptr) behind->after->before = behind;
    block->after = behind;
    block->size = size;
  }

  /// Joins a block, which is not in free_, with the free one behind it.
  void absorb(Block* block) {
    const std::unique_ptr<Block> behind(block->after);
    free_.erase(behind.get());
    block->size += behind->size;
    block->after = behind->after;
    if (block->after != nullptr) block->after->before = block;
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

  /// False if the system refuses, as it may where it counts mappings (vm.max_map_count): the block
  /// stays.
  bool unmap(Block* block) {
    if (munmap(block->begin, block->size) != 0) return false;
    mapped_bytes_ -= block->size;
    free_.erase(block);
    delete block;
    return true;
  }

  static constexpr size_t kLeastRestBytes = 16 * 1024;
  static constexpr size_t kMostExtraBytes = 256 * 1024 * 1024;

  FreeBlocks free_;
  size_t mapped_bytes_ = 0;
  size_t num_mappings_made_ = 0;
  size_t live_bytes_ = 0;
  size_t most_live_bytes_ = 0;  // ever
  size_t evicted_bytes_ = 0;    // given back by make_room() since most_live_bytes_ last grew
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
    use.num_mappings_made = large_.num_mappings_made();
    return use;
  }
  void reset_peak() {
    const std::lock_guard lock(mutex_);
    use_.peak_bytes = use_.live_bytes;
    use_.peak_requested_bytes = use_.requested_bytes;
  }
  void release() {
    const std::lock_guard lock(mutex_);
    for (auto& [size, blocks] : small_) {
      small_bytes_ -= size * blocks.free.size();
      blocks.number -= blocks.free.size();
      for (void* data : blocks.free) std::free(data);
      blocks.free.clear();
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

  /// All blocks of one size below kLargeBytes.
  struct SmallBlocks {
    std::vector<void*> free;
    size_t number = 0;  // in use and free
  };

  static void give_back(void* data) {
    if (data != nullptr) instance().put(data);
  }

  void* take(size_t bytes) {
    const size_t size = size_class(bytes);
    const std::lock_guard lock(mutex_);
    BlockHeap::Block* const block = size < kLargeBytes ? nullptr : large_.take(size);
    void* const data = block == nullptr ? take_small(size) : block->begin;
    try {
      live_[data] = {size, bytes, block};
    } catch (...) {
      give_back(size, block, data);
      throw;
    }
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
    give_back(size, block, data);
  }

  void give_back(size_t size, BlockHeap::Block* block, void* data) {
    if (block != nullptr) {
      large_.give_back(block);
    } else {
      small_.find(size)->second.free.push_back(data);
    }
  }

  void* take_small(size_t size) {
    SmallBlocks& blocks = small_[size];
    if (!blocks.free.empty()) {
      void* const data = blocks.free.back();
      blocks.free.pop_back();
      return data;
    }
    blocks.free.reserve(blocks.number + 1);  // so that giving back allocates nothing
    void* data = nullptr;
    if (posix_memalign(&data, kAlignment, size) != 0) throw std::bad_alloc();
    ++blocks.number;
    small_bytes_ += size;
    return data;
  }

  std::mutex mutex_;
  std::unordered_map<size_t, SmallBlocks> small_;  // by size
  size_t small_bytes_ = 0;                         // in use and free
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
