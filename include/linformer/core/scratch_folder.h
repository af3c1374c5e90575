#pragma once

#include <string>

namespace linformer {

/// A fresh folder below the system's temporary one (TMPDIR, otherwise /tmp), readable by this user
/// only. The destructor removes it with all it holds.
class ScratchFolder {
 public:
  /// `purpose` becomes a part of its name. Throws RunError.
  explicit ScratchFolder(const std::string& purpose);
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace linformer
