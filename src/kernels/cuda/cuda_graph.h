#pragma once

#include <memory>

#include <c10/core/Device.h>

#include "linformer/kernels/device_graph.h"

namespace linformer::cuda {

std::unique_ptr<DeviceGraph> make_cuda_graph(c10::Device device);

}  // namespace linformer::cuda
