#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace linformer {

/// XXH3, 64 bits (Collet; https://github.com/Cyan4973/xxHash), of a byte range.
uint64_t xxh3(std::span<const std::byte> bytes);
uint64_t xxh3(std::string_view text);

/// CRC-32C (Castagnoli, RFC 3720 appendix B.4) of a byte range, for formats that require it.
uint32_t crc32c(std::string_view bytes);

/// 16 lower-case hexadecimal digits.
std::string to_hex(uint64_t value);

/// XXH3 of a file, read in pieces; throws RunError.
uint64_t xxh3_of_file(const std::string& path);

/// XXH3 of a stream of pieces; equals xxh3() of their concatenation.
class StreamingChecksum {
 public:
  StreamingChecksum();
  ~StreamingChecksum();
  void update(const void* data, size_t size);
  uint64_t digest() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace linformer
