#pragma once

#include <cstdio>
#include <map>
#include <string>
#include <utility>

namespace linformer {

class OutputStream;

/// The first lines of error messages, and who printed them first: the processes of a run often fail
/// of one cause.
using SeenErrors = std::map<std::string, const OutputStream*>;

/// An output stream of a process. It is passed on line by line after a prefix, or unchanged without
/// one. With `seen`, an error message of the project's programs is passed on of the process alone
/// that prints it first.
class OutputStream {
 public:
  OutputStream(int descriptor, std::string prefix, std::FILE* target, SeenErrors* seen = nullptr)
      : descriptor_(descriptor), prefix_(std::move(prefix)), target_(target), seen_(seen) {}

  int descriptor() const { return descriptor_; }
  bool open() const { return descriptor_ >= 0; }

  /// Passes on the available output; closes at the end. If the target cannot be written (its reader
  /// is gone), the output is still read, so that the process can continue.
  void pump();
  void close();

 private:
  void pass_on_lines();
  bool is_repeated(const std::string& line);

  int descriptor_;
  std::string prefix_;
  std::FILE* target_;
  SeenErrors* seen_;
  bool hides_ = false;  // of another process, the message that the last line belongs to
  std::string text_;
};

}  // namespace linformer
