#pragma once

#include <cstdio>
#include <string>

namespace linformer {

/// An output stream of a process. It is passed on line by line after a prefix, or unchanged without
/// one.
class OutputStream {
 public:
  OutputStream(int descriptor, std::string prefix, std::FILE* target)
      : descriptor_(descriptor), prefix_(std::move(prefix)), target_(target) {}

  int descriptor() const { return descriptor_; }
  bool open() const { return descriptor_ >= 0; }

  /// Passes on the available output; closes at the end. If the target cannot be written (its reader
  /// is gone), the output is still read, so that the process can continue.
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
