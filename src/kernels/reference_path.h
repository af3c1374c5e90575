#pragma once

namespace linformer {

/// While it exists, this thread composes every operation of LibTorch's operations, as on a device
/// without implementations of its own. Tests use it to compare both on one device.
class ReferencePath {
 public:
  ReferencePath();
  ~ReferencePath();
  ReferencePath(const ReferencePath&) = delete;
  ReferencePath& operator=(const ReferencePath&) = delete;

  /// Whether one exists in this thread.
  static bool active();

 private:
  bool outer_;
};

}  // namespace linformer
