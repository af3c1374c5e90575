#include <algorithm>
#include <cstring>
#include <limits>

#include <nlohmann/json.hpp>

#include "strict_json.h"

#include "linformer/checkpoint/safetensors.h"
#include "linformer/core/checksum.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"

namespace linformer {
namespace {

using Json = nlohmann::json;

constexpr size_t kLengthBytes = 8;
constexpr uint64_t kLongestHeader = 100'000'000;  // the format's own limit
constexpr const char* kFix =
    "the file is damaged or was cut short; restore it, or use another checkpoint";

std::string place(const std::string& path, const std::string& tensor) {
  return path + ": tensor " + tensor;
}

/// The header's JSON text, after checks of its size.
std::string_view header_text(const MappedFile& file) {
  if (file.size() < kLengthBytes) {
    fail_run(file.path(), "has " + std::to_string(file.size()) + " bytes, too few for safetensors",
             kFix);
  }
  uint64_t length = 0;
  for (size_t i = kLengthBytes; i-- > 0;) {
    length = length << 8 | std::to_integer<uint64_t>(file.data()[i]);
  }
  if (length < 2 || length > kLongestHeader || length > file.size() - kLengthBytes) {
    fail_run(file.path(),
             "its header claims " + std::to_string(length) + " bytes, the file has " +
                 std::to_string(file.size()),
             kFix);
  }
  const char* text = reinterpret_cast<const char*>(file.data()) + kLengthBytes;
  if (*text != '{') fail_run(file.path(), "is not a safetensors file", kFix);
  return {text, static_cast<size_t>(length)};
}

std::map<std::string, std::string> read_metadata(const Json& json, const std::string& path) {
  std::map<std::string, std::string> metadata;
  if (!json.is_object()) fail_run(path, "its __metadata__ is not an object", kFix);
  for (const auto& [key, value] : json.items()) {
    if (!value.is_string()) fail_run(path, "its __metadata__ " + key + " is not text", kFix);
    metadata[key] = value.get<std::string>();
  }
  return metadata;
}

std::vector<int64_t> read_shape(const Json& json, const std::string& where) {
  std::vector<int64_t> shape;
  if (!json.is_array()) fail_run(where, "its shape is not a list", kFix);
  for (const Json& size : json) {
    const bool fits =
        size.is_number_unsigned() &&
        size.get<uint64_t>() <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
    if (!fits) fail_run(where, "its shape " + json.dump() + " holds no sizes", kFix);
    shape.push_back(size.get<int64_t>());
  }
  return shape;
}

/// The bytes that a shape needs; nothing on overflow.
std::optional<uint64_t> bytes_of(std::span<const int64_t> shape, TensorType type) {
  uint64_t bytes = size_of(type);
  for (const int64_t size : shape) {
    if (__builtin_mul_overflow(bytes, static_cast<uint64_t>(size), &bytes)) return std::nullopt;
  }
  return bytes;
}

TensorView read_tensor(const Json& json, std::span<const std::byte> data,
                       const std::string& where) {
  if (!json.is_object() || json.size() != 3 || !json.contains("dtype") || !json.contains("shape") ||
      !json.contains("data_offsets")) {
    fail_run(where, "does not have dtype, shape and data_offsets", kFix);
  }
  TensorView tensor;
  const Json& dtype = json["dtype"];
  const auto type = dtype.is_string() ? tensor_type_of(dtype.get<std::string>()) : std::nullopt;
  if (!type) {
    fail_run(where, "has the unknown element type " + dtype.dump(),
             "convert it to F32, F16 or BF16");
  }
  tensor.type = *type;
  tensor.shape = read_shape(json["shape"], where);
  const Json& offsets = json["data_offsets"];
  if (!offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() ||
      !offsets[1].is_number_unsigned()) {
    fail_run(where, "its data_offsets are not two numbers", kFix);
  }
  const auto begin = offsets[0].get<uint64_t>();
  const auto end = offsets[1].get<uint64_t>();
  if (begin > end || end > data.size()) {
    fail_run(where,
             "its bytes [" + std::to_string(begin) + ", " + std::to_string(end) +
                 ") do not lie in the file's " + std::to_string(data.size()) + " bytes of data",
             kFix);
  }
  if (bytes_of(tensor.shape, *type) != end - begin) {
    fail_run(where,
             "its shape " + format_shape(tensor.shape) + " of " + std::string(name_of(*type)) +
                 " does not fit its " + std::to_string(end - begin) + " bytes",
             kFix);
  }
  tensor.bytes = data.subspan(begin, end - begin);
  return tensor;
}

/// Tensors have to cover the data without overlap, hole or rest.
void check_tiling(const std::map<std::string, TensorView>& tensors, std::span<const std::byte> data,
                  const std::string& path) {
  std::vector<std::pair<const std::string*, const TensorView*>> order;
  for (const auto& [name, tensor] : tensors) order.emplace_back(&name, &tensor);
  std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    const auto key = [](const TensorView& t) { return std::pair(t.bytes.data(), t.bytes.size()); };
    return key(*a.second) < key(*b.second);
  });
  const std::byte* next = data.data();
  for (const auto& [name, tensor] : order) {
    if (tensor->bytes.data() != next) {
      fail_run(
          place(path, *name),
          tensor->bytes.data() < next ? "overlaps another tensor" : "has unused bytes before it",
          kFix);
    }
    next += tensor->bytes.size();
  }
  if (next != data.data() + data.size()) {
    fail_run(path, std::to_string(data.data() + data.size() - next) + " bytes belong to no tensor",
             kFix);
  }
}

}  // namespace

SafetensorsFile::SafetensorsFile(const std::string& path) : file_(path) {
  const std::string_view text = header_text(file_);
  const Json header = parse_strict_json(text, path);
  const auto data = file_.bytes().subspan(kLengthBytes + text.size());
  for (const auto& [name, json] : header.items()) {
    if (name == "__metadata__") {
      metadata_ = read_metadata(json, path);
    } else {
      tensors_[name] = read_tensor(json, data, place(path, name));
    }
  }
  check_tiling(tensors_, data, path);
  check();
}

const TensorView& SafetensorsFile::at(const std::string& name) const {
  const auto found = tensors_.find(name);
  if (found != tensors_.end()) return found->second;
  std::vector<std::string> names;
  for (const auto& entry : tensors_) names.push_back(entry.first);
  const std::string nearest = nearest_name(name, names);
  fail_run(path(), "has no tensor " + name,
           nearest.empty() ? "check that the file belongs to this model"
                           : "the nearest name is " + nearest);
}

void SafetensorsFile::verify() const {
  for (const auto& [name, tensor] : tensors_) {
    const auto expected = metadata_.find("xxh3." + name);
    if (expected != metadata_.end() && to_hex(xxh3(tensor.bytes)) != expected->second) {
      fail_run(place(path(), name), "is damaged: its checksum does not fit", kFix);
    }
  }
  check();
}

}  // namespace linformer
