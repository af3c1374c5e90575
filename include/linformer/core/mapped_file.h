#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "linformer/core/error.h"

namespace linformer {

/// A mapped file has lost bytes since it was opened: it was truncated, or its disk failed.
class LostBytesError : public RunError {
 public:
  explicit LostBytesError(const std::string& path);
};

/// A whole file mapped read-only into memory; unmapped by the destructor. Movable, not copyable.
/// Throws RunError if the file is missing, unreadable or not a regular file.
///
/// Bytes that the file loses while it is mapped read as zeros; otherwise the system would end the
/// program with SIGBUS. A reader calls check() before it relies on the bytes that it has read.
class MappedFile {
 public:
  explicit MappedFile(const std::string& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::byte* data() const { return data_; }
  size_t size() const { return size_; }
  const std::string& path() const { return path_; }

  /// Throws LostBytesError if a byte that was read so far may have been lost.
  void check() const;

 private:
  struct Range;  // what the signal handler knows about the mapping
  void release();

  std::string path_;
  Range* range_ = nullptr;
  uint64_t device_ = 0;  // of the file itself; its path may name another file later
  uint64_t inode_ = 0;
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace linformer
