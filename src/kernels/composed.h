#pragma once

namespace linformer {

/// Lets this thread compose every operation of LibTorch's operations while it lives, as on a device
/// without implementations of its own. For tests, which compare both on one device.
class ComposedPath {
 public:
  ComposedPath();
  ~ComposedPath();
  ComposedPath(const ComposedPath&) = delete;
  ComposedPath& operator=(const ComposedPath&) = delete;

  /// Whether one lives in this thread.
  static bool active();

 private:
  bool outer_;
};

}  // namespace linformer
