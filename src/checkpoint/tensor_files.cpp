#include "linformer/checkpoint/tensor_files.h"

#include <cstring>
#include <memory>

#include <ATen/ATen.h>

#include "linformer/core/error.h"

namespace linformer {
namespace {

constexpr size_t kMostNamed = 8;  // tensors listed in a message

TensorType tensor_type_of(at::ScalarType type, const std::string& path, const std::string& name) {
  switch (type) {
    case at::kBool:
      return TensorType::kBool;
    case at::kByte:
      return TensorType::kU8;
    case at::kChar:
      return TensorType::kI8;
    case at::kShort:
      return TensorType::kI16;
    case at::kHalf:
      return TensorType::kF16;
    case at::kBFloat16:
      return TensorType::kBF16;
    case at::kInt:
      return TensorType::kI32;
    case at::kFloat:
      return TensorType::kF32;
    case at::kLong:
      return TensorType::kI64;
    case at::kDouble:
      return TensorType::kF64;
    default:
      fail_run(path, "tensor " + name + " has an element type that safetensors cannot hold",
               "convert it to float first");
  }
}

at::ScalarType scalar_type_of(const TensorView& tensor) {
  switch (tensor.type) {
    case TensorType::kBool:
      return at::kBool;
    case TensorType::kU8:
      return at::kByte;
    case TensorType::kI8:
      return at::kChar;
    case TensorType::kU16:
      return at::kUInt16;
    case TensorType::kI16:
      return at::kShort;
    case TensorType::kF16:
      return at::kHalf;
    case TensorType::kBF16:
      return at::kBFloat16;
    case TensorType::kU32:
      return at::kUInt32;
    case TensorType::kI32:
      return at::kInt;
    case TensorType::kF32:
      return at::kFloat;
    case TensorType::kU64:
      return at::kUInt64;
    case TensorType::kI64:
      return at::kLong;
    case TensorType::kF64:
      return at::kDouble;
  }
  return at::kFloat;
}

/// "missing: a, b, ... and 3 more"
std::string list_names(const std::string& title, const std::vector<std::string>& names) {
  if (names.empty()) return "";
  std::string text = "\n  " + title + ":";
  for (size_t i = 0; i < names.size() && i < kMostNamed; ++i) {
    text += (i == 0 ? " " : ", ") + names[i];
  }
  if (names.size() > kMostNamed) {
    text += " and " + std::to_string(names.size() - kMostNamed) + " more";
  }
  return text;
}

/// Why a stored tensor does not fit `target`; "" if it does.
std::string mismatch(const TensorView& view, const at::Tensor& target) {
  if (target.sizes() != at::IntArrayRef(view.shape)) {
    return format_shape(view.shape) + " in the file, " +
           format_shape({target.sizes().data(), target.sizes().size()}) + " in the model";
  }
  const at::ScalarType type = scalar_type_of(view);
  if (type != target.scalar_type() &&
      !(at::isFloatingType(type) && at::isFloatingType(target.scalar_type()))) {
    return std::string(name_of(view.type)) + " in the file, " + at::toString(target.scalar_type()) +
           " in the model";
  }
  return "";
}

}  // namespace

at::Tensor copy_of(const TensorView& view) {
  at::Tensor tensor = at::empty(view.shape, at::TensorOptions().dtype(scalar_type_of(view)));
  if (!view.bytes.empty()) std::memcpy(tensor.data_ptr(), view.bytes.data(), view.bytes.size());
  return tensor;
}

void check_fit(const std::string& source, const std::map<std::string, TensorView>& tensors,
               const NamedTensors& targets) {
  std::vector<std::string> missing;
  std::vector<std::string> wrong;
  std::vector<std::string> unknown;
  std::map<std::string, const at::Tensor*> by_name;
  for (const auto& [name, target] : targets) {
    by_name[name] = &target;
    if (!tensors.count(name)) missing.push_back(name);
  }
  for (const auto& [name, view] : tensors) {
    const auto found = by_name.find(name);
    if (found == by_name.end()) {
      unknown.push_back(name);
    } else if (const std::string problem = mismatch(view, *found->second); !problem.empty()) {
      wrong.push_back(name + " " + problem);
    }
  }
  if (missing.empty() && wrong.empty() && unknown.empty()) return;
  fail_run(source,
           "does not fit the model" + list_names("missing in the file", missing) +
               list_names("of another shape or type", wrong) +
               list_names("unknown to the model", unknown),
           "use the config.json that belongs to this file; nothing was loaded");
}

void save_tensors(const std::string& path, const NamedTensors& tensors,
                  std::map<std::string, std::string> metadata) {
  metadata.emplace("format", "pt");
  // The single tensor in memory; each source puts its own here.
  const auto current = std::make_shared<at::Tensor>();
  std::vector<TensorSource> sources;
  for (const auto& [name, tensor] : tensors) {
    TensorSource source{name, tensor_type_of(tensor.scalar_type(), path, name),
                        tensor.sizes().vec(), nullptr};
    source.bytes = [current, tensor = tensor.detach()] {
      *current = tensor.to(at::kCPU).contiguous();
      return std::as_bytes(std::span(static_cast<const char*>(current->const_data_ptr()),
                                     static_cast<size_t>(current->nbytes())));
    };
    sources.push_back(std::move(source));
  }
  write_safetensors(path, std::move(sources), std::move(metadata));
}

std::map<std::string, at::Tensor> load_tensors(const StoredTensors& file) {
  file.verify();
  std::map<std::string, at::Tensor> tensors;
  for (const auto& [name, view] : file.tensors()) tensors[name] = copy_of(view);
  file.check();
  return tensors;
}

void load_into(const StoredTensors& file, const NamedTensors& targets) {
  check_fit(file.source(), file.tensors(), targets);
  file.verify();
  const at::NoGradGuard no_grad;
  for (const auto& [name, target] : targets) {
    at::Tensor(target).copy_(copy_of(file.tensors().at(name)));
  }
  file.check();
}

}  // namespace linformer
