#pragma once

#include <string>

namespace linformer {

/// An exclusive advisory lock (flock) on PATH, held until destruction and given up by the kernel
/// if the process dies. Throws RunError that says which process holds it, if one does. On a file
/// system without locks it warns and holds nothing.
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
