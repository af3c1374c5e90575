#pragma once

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

}  // namespace linformer
