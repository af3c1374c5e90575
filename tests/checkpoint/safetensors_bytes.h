#pragma once

#include <cstdint>
#include <string>

namespace linformer {

/// The bytes of a safetensors file with this header, written as it stands.
inline std::string safetensors_bytes(const std::string& header, const std::string& data) {
  std::string bytes;
  for (uint64_t length = header.size(), i = 0; i < 8; ++i, length >>= 8) {
    bytes += static_cast<char>(length & 0xff);
  }
  return bytes + header + data;
}

}  // namespace linformer
