#include "linformer/kernels/device_graph.h"

#include "implementations.h"

namespace linformer {
namespace {

class RepeatedCalls : public DeviceGraph {
 public:
  void record(const std::function<void()>& work) override { work_ = work; }
  void replay() override { work_(); }

 private:
  std::function<void()> work_;
};

}  // namespace

bool has_device_graph(c10::Device device) {
  return device_kernels(device.type()).graph != nullptr;
}

std::unique_ptr<DeviceGraph> make_device_graph(c10::Device device) {
  const auto make = device_kernels(device.type()).graph;
  return make == nullptr ? std::make_unique<RepeatedCalls>() : make(device);
}

}  // namespace linformer
