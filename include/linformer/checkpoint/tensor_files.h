#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include "linformer/checkpoint/stored_tensors.h"

namespace linformer {

using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

/// Writes tensors of any device, layout and strides to a safetensors file, atomically, with one
/// tensor at a time in memory. Names have to differ, and a shared tensor should be given once.
/// Metadata includes "format": "pt", which transformers requires.
void save_tensors(const std::string& path, const NamedTensors& tensors,
                  std::map<std::string, std::string> metadata = {});

/// A copy of a stored tensor, on the CPU.
at::Tensor copy_of(const TensorView& view);

/// Copies of all tensors of a file, on the CPU; checksums are verified. Throws RunError.
std::map<std::string, at::Tensor> load_tensors(const StoredTensors& file);
inline std::map<std::string, at::Tensor> load_tensors(const std::string& path) {
  return load_tensors(StoredTensors::open_file(path));
}

/// Throws RunError that lists every tensor of `targets` that is missing in `tensors` or has another
/// shape or type there, and every tensor that `targets` does not have. `source` is for the message.
void check_fit(const std::string& source, const std::map<std::string, TensorView>& tensors,
               const NamedTensors& targets);

/// Copies a file's tensors into existing ones of the same names and shapes (any device; floating
/// types convert into each other). If any name is missing, unknown or has another shape or kind,
/// or any tensor is damaged, throws RunError that lists them and changes nothing.
void load_into(const StoredTensors& file, const NamedTensors& targets);
inline void load_into(const std::string& path, const NamedTensors& targets) {
  load_into(StoredTensors::open_file(path), targets);
}

}  // namespace linformer
