#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace linformer {

/// Writes PATH so that it holds either the old content or the complete new one, also after a crash:
/// writes PATH.tmp-PID, fsyncs, renames, fsyncs the folder. Without commit() the destructor removes
/// the temporary file. Every error is a RunError that names the path.
///
/// A symbolic link is followed and stays a link. A device or a pipe is written to as it is. Writing
/// a file twice at the same time in one process is an error.
class AtomicFile {
 public:
  explicit AtomicFile(const std::string& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(const void* data, size_t size);
  void write(std::string_view text) { write(text.data(), text.size()); }
  /// Overwrites `size` bytes at `offset`, e.g. a header whose numbers are known only at the end.
  void write_at(size_t offset, const void* data, size_t size);
  size_t size() const { return size_; }
  void commit();

 private:
  void flush();

  std::string path_;
  std::string temporary_path_;
  int descriptor_ = -1;
  size_t size_ = 0;
  std::string buffer_;  // the last bytes written, not yet passed to the system
};

/// Writes a whole file with AtomicFile.
void write_file_atomically(const std::string& path, std::string_view content);

/// Appends one record, e.g. a log line, and flushes it to disk; creates the file if it is missing.
void append_to_file(const std::string& path, std::string_view content);

/// Reads a whole (small) file; throws RunError.
std::string read_text_file(const std::string& path);

/// fsync of a folder, so that a rename in it survives a power cut.
void sync_directory(const std::string& path);

/// Creates the folder and its parents; throws RunError.
void make_directories(const std::string& path);

/// Bytes free for this process on the file system of `path` (or of its nearest existing parent).
size_t free_disk_bytes(const std::string& path);

}  // namespace linformer
