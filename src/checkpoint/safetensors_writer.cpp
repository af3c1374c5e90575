#include <algorithm>
#include <bit>
#include <cstring>

#include <nlohmann/json.hpp>

#include "linformer/checkpoint/safetensors.h"
#include "linformer/core/atomic_file.h"
#include "linformer/core/checksum.h"
#include "linformer/core/error.h"

namespace linformer {
namespace {

// A big-endian machine would write its own byte order.
static_assert(std::endian::native == std::endian::little);

using Json = nlohmann::ordered_json;

constexpr const char* kNoChecksum = "0000000000000000";

size_t bytes_of(const TensorSource& tensor) {
  size_t bytes = size_of(tensor.type);
  for (const int64_t size : tensor.shape) bytes *= static_cast<size_t>(size);
  return bytes;
}

/// Length, JSON and blanks up to a multiple of 8 bytes.
std::string header_of(const std::vector<TensorSource>& tensors,
                      const std::map<std::string, std::string>& metadata) {
  Json header = Json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  size_t offset = 0;
  for (const TensorSource& tensor : tensors) {
    const size_t end = offset + bytes_of(tensor);
    header[tensor.name] = {{"dtype", std::string(name_of(tensor.type))},
                           {"shape", tensor.shape},
                           {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');
  const uint64_t length = text.size();
  std::string bytes(sizeof(length), '\0');
  std::memcpy(bytes.data(), &length, sizeof(length));
  return bytes + text;
}

void sort_for_alignment(std::vector<TensorSource>& tensors, const std::string& path) {
  std::sort(tensors.begin(), tensors.end(), [](const TensorSource& a, const TensorSource& b) {
    if (size_of(a.type) != size_of(b.type)) return size_of(a.type) > size_of(b.type);
    return a.name < b.name;
  });
  std::vector<std::string> names;
  for (const TensorSource& tensor : tensors) names.push_back(tensor.name);
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice != names.end() || std::binary_search(names.begin(), names.end(), "__metadata__")) {
    fail_run(
        path,
        "cannot hold a tensor " + (twice != names.end() ? *twice + " twice" : "named __metadata__"),
        "give each tensor a name of its own");
  }
}

}  // namespace

void write_safetensors(const std::string& path, std::vector<TensorSource> tensors,
                       std::map<std::string, std::string> metadata) {
  sort_for_alignment(tensors, path);
  // Checksums are known only after the data was written, so they are filled in at the end. All of
  // them have 16 digits, so the header keeps its size.
  for (const TensorSource& tensor : tensors) metadata["xxh3." + tensor.name] = kNoChecksum;
  AtomicFile file(path);
  file.write(header_of(tensors, metadata));
  for (const TensorSource& tensor : tensors) {
    const std::span<const std::byte> bytes = tensor.bytes();
    if (bytes.size() != bytes_of(tensor)) {
      fail_run(path,
               "tensor " + tensor.name + " gave " + std::to_string(bytes.size()) +
                   " bytes for shape " + format_shape(tensor.shape),
               "give shape and bytes of the same tensor");
    }
    file.write(bytes.data(), bytes.size());
    metadata["xxh3." + tensor.name] = to_hex(xxh3(bytes));
  }
  const std::string header = header_of(tensors, metadata);
  file.write_at(0, header.data(), header.size());
  file.commit();
}

}  // namespace linformer
