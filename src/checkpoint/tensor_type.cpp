#include <array>
#include <utility>

#include "linformer/checkpoint/safetensors.h"

namespace linformer {
namespace {

struct TypeEntry {
  std::string_view name;
  size_t size;
};

// In the order of TensorType's enumerators.
constexpr std::array<TypeEntry, 13> kTypes{{{"BOOL", 1},
                                            {"U8", 1},
                                            {"I8", 1},
                                            {"U16", 2},
                                            {"I16", 2},
                                            {"F16", 2},
                                            {"BF16", 2},
                                            {"U32", 4},
                                            {"I32", 4},
                                            {"F32", 4},
                                            {"U64", 8},
                                            {"I64", 8},
                                            {"F64", 8}}};

}  // namespace

size_t size_of(TensorType type) {
  return kTypes[static_cast<size_t>(type)].size;
}

std::string_view name_of(TensorType type) {
  return kTypes[static_cast<size_t>(type)].name;
}

std::optional<TensorType> tensor_type_of(std::string_view name) {
  for (size_t i = 0; i < kTypes.size(); ++i) {
    if (kTypes[i].name == name) return static_cast<TensorType>(i);
  }
  return std::nullopt;
}

std::string format_shape(std::span<const int64_t> shape) {
  std::string text = "(";
  for (size_t i = 0; i < shape.size(); ++i) {
    if (i > 0) text += ", ";
    text += std::to_string(shape[i]);
  }
  return text + ")";
}

int64_t TensorView::num_elements() const {
  return static_cast<int64_t>(bytes.size() / size_of(type));
}

}  // namespace linformer
