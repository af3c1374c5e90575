#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "linformer/core/mapped_file.h"

namespace linformer {

/// Element types of the safetensors format that LibTorch can hold.
enum class TensorType {
  kBool,
  kU8,
  kI8,
  kU16,
  kI16,
  kF16,
  kBF16,
  kU32,
  kI32,
  kF32,
  kU64,
  kI64,
  kF64
};

/// Bytes of one element.
size_t size_of(TensorType type);
/// The type's name in the format, e.g. "BF16".
std::string_view name_of(TensorType type);
std::optional<TensorType> tensor_type_of(std::string_view name);

/// "(2, 3)"; "()" for a single value without dimensions.
std::string format_shape(std::span<const int64_t> shape);

/// A tensor inside a mapped file; row-major, little-endian, valid as long as the file object.
struct TensorView {
  TensorType type = TensorType::kF32;
  std::vector<int64_t> shape;
  std::span<const std::byte> bytes;

  int64_t num_elements() const;
};

/// A safetensors file, mapped into memory. The constructor checks the whole header: its size, its
/// JSON, keys given twice, unknown types, shapes that do not fit their bytes, tensors that overlap,
/// leave holes or exceed the file. It throws RunError that names the file and the tensor.
class SafetensorsFile {
 public:
  explicit SafetensorsFile(const std::string& path);

  const std::string& path() const { return file_.path(); }
  const std::map<std::string, TensorView>& tensors() const { return tensors_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }

  /// The tensor of this name. If there is none, throws RunError that suggests the nearest known
  /// name.
  const TensorView& at(const std::string& name) const;

  /// Compares each tensor with its checksum, if the file has checksums (write_safetensors() writes
  /// them). Throws RunError that names the first damaged tensor.
  void verify() const;

  /// Throws LostBytesError if the file was truncated since it was opened (core/mapped_file.h).
  /// Values that were read are valid only if it does not throw.
  void check() const { file_.check(); }

 private:
  MappedFile file_;
  std::map<std::string, TensorView> tensors_;
  std::map<std::string, std::string> metadata_;
};

/// A tensor to be written. `bytes` is called once. Its result has to stay valid until the next
/// source is called, so that only one tensor at a time need be in memory.
struct TensorSource {
  std::string name;
  TensorType type = TensorType::kF32;
  std::vector<int64_t> shape;
  std::function<std::span<const std::byte>()> bytes;
};

/// Writes a safetensors file atomically (core/atomic_file.h). Tensors are sorted by falling element
/// size, then name, so that each is aligned; the data begin at a multiple of 8. Metadata includes
/// "xxh3.NAME", the checksum of each tensor, which other readers ignore. Throws RunError for names
/// given twice and bytes that do not fit the shape.
void write_safetensors(const std::string& path, std::vector<TensorSource> tensors,
                       std::map<std::string, std::string> metadata = {});

}  // namespace linformer
