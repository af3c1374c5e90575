#pragma once

#include <cstdio>
#include <string>

namespace linformer {

/// One stream of a process: passes it on, line by line behind a prefix, or as it is without one.
class OutputStream {
 public:
  OutputStream(int descriptor, std::string prefix, std::FILE* target)
      : descriptor_(descriptor), prefix_(std::move(prefix)), target_(target) {}

  int descriptor() const { return descriptor_; }
  bool open() const { return descriptor_ >= 0; }

  /// Passes on what is there; closes at the end. Where the target cannot be written (nobody reads
  /// it any more) the process is read all the same, so that it goes on.
  void pump();
  void close();

 private:
  void pass_on_lines();

  int descriptor_;
  std::string prefix_;
  std::FILE* target_;
  std::string text_;
};

}  // namespace linformer
