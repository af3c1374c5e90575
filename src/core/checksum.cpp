#include "linformer/core/checksum.h"

#include <array>
#include <cerrno>
#include <new>
#include <vector>

#include <fcntl.h>
#include <unistd.h>
#include <xxhash.h>

#include "linformer/core/error.h"

namespace linformer {

uint64_t xxh3(std::span<const std::byte> bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

uint64_t xxh3(std::string_view text) {
  return XXH3_64bits(text.data(), text.size());
}

uint32_t crc32c(std::string_view bytes) {
  static constexpr auto kTable = [] {
    constexpr uint32_t kReversedPolynomial = 0x82f63b78U;
    std::array<uint32_t, 256> table{};
    for (uint32_t i = 0; i < 256; ++i) {
      uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit) {
        value = value >> 1 ^ ((value & 1) != 0 ? kReversedPolynomial : 0);
      }
      table[i] = value;
    }
    return table;
  }();
  uint32_t crc = 0xffffffffU;
  for (const char byte : bytes) {
    crc = crc >> 8 ^ kTable[(crc ^ static_cast<unsigned char>(byte)) & 0xff];
  }
  return ~crc;
}

std::string to_hex(uint64_t value) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text(16, '0');
  for (size_t i = 16; i-- > 0; value >>= 4) text[i] = kDigits[value & 15];
  return text;
}

uint64_t xxh3_of_file(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) fail_system(path, "cannot open the file", errno);
  std::vector<char> piece(size_t{1} << 20);
  StreamingChecksum checksum;
  int error = 0;
  while (true) {
    const ssize_t count = ::read(descriptor, piece.data(), piece.size());
    if (count == 0) break;
    if (count < 0) {
      if (errno == EINTR) continue;
      error = errno;
      break;
    }
    checksum.update(piece.data(), static_cast<size_t>(count));
  }
  ::close(descriptor);
  if (error != 0) fail_system(path, "cannot read the file", error);
  return checksum.digest();
}

struct StreamingChecksum::State {
  XXH3_state_t* xxh = XXH3_createState();
  State() {
    if (xxh == nullptr) throw std::bad_alloc();
    XXH3_64bits_reset(xxh);
  }
  ~State() { XXH3_freeState(xxh); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
};

StreamingChecksum::StreamingChecksum() : state_(std::make_unique<State>()) {}
StreamingChecksum::~StreamingChecksum() = default;

void StreamingChecksum::update(const void* data, size_t size) {
  if (size > 0) XXH3_64bits_update(state_->xxh, data, size);
}

uint64_t StreamingChecksum::digest() const {
  return XXH3_64bits_digest(state_->xxh);
}

}  // namespace linformer
