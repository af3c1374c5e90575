#include "cuda_graph.h"

#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

namespace linformer::cuda {
namespace {

class CudaGraph : public DeviceGraph {
 public:
  explicit CudaGraph(c10::Device device) : device_(device) {}

  void record(const std::function<void()>& work) override {
    const c10::cuda::CUDAGuard on_device(device_);
    // What is in flight may free memory later, which must not happen while recording. The graph
    // gets memory of its own, so what the allocator keeps for other work is given back first.
    c10::cuda::device_synchronize();
    c10::cuda::CUDACachingAllocator::emptyCache();
    // The default stream can't record.
    const c10::cuda::CUDAStreamGuard on_stream(c10::cuda::getStreamFromPool());
    graph_.capture_begin();
    try {
      work();
    } catch (...) {
      end_quietly();
      throw;
    }
    graph_.capture_end();
  }

  void replay() override {
    const c10::cuda::CUDAGuard on_device(device_);
    graph_.replay();
  }

 private:
  /// Leaves the recording state. After an error the end of a recording is an error too.
  void end_quietly() noexcept {
    try {
      graph_.capture_end();
    } catch (...) {
      // `work` has thrown already; its error says more.
    }
  }

  c10::Device device_;
  at::cuda::CUDAGraph graph_;
};

}  // namespace

std::unique_ptr<DeviceGraph> make_cuda_graph(c10::Device device) {
  return std::make_unique<CudaGraph>(device);
}

}  // namespace linformer::cuda
