#pragma once

#include <optional>
#include <string>

namespace linformer {

/// An exclusive advisory lock (flock) on PATH, held until destruction. The kernel releases it if
/// the process dies. If another process holds it, the constructor throws RunError that names the
/// process. On a file system without locks it warns and holds nothing.
class FileLock {
 public:
  explicit FileLock(const std::string& path);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  int descriptor_ = -1;
};

/// Whether a process holds a FileLock on PATH; false without such a file, nothing where the file
/// system has no locks. Changes nothing on the disk.
std::optional<bool> is_file_locked(const std::string& path);

}  // namespace linformer
