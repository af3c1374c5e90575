#pragma once

#include <functional>
#include <memory>

#include <c10/core/Device.h>

namespace linformer {

/// Work on a device that is recorded once and then repeated, without the time that the CPU takes to
/// start each of its operations. It may read and write only memory that stays where it is: tensors
/// that exist before, or that it makes itself. Copies from and to the CPU are not a part of it, and
/// nothing in it may wait for the device.
class DeviceGraph {
 public:
  virtual ~DeviceGraph() = default;

  /// Records what `work` would do. Nothing is computed: memory has its values after replay().
  /// Called once. Throws what `work` throws, and c10::Error if something in it can't be recorded.
  virtual void record(const std::function<void()>& work) = 0;

  /// Queues the recorded work on the current stream.
  virtual void replay() = 0;
};

/// Whether repeating a graph takes the CPU less time than the work itself.
bool has_device_graph(c10::Device device);

/// On CUDA a CUDA graph. The CPU has no such thing: there, replay() calls `work` again, so that the
/// code around a graph can be tested without a GPU.
std::unique_ptr<DeviceGraph> make_device_graph(c10::Device device);

}  // namespace linformer
