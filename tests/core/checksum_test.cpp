#include "linformer/core/checksum.h"

#include <gtest/gtest.h>

#include "core/temporary_folder.h"

#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"
#include "linformer/core/random.h"

namespace linformer {
namespace {

std::string random_bytes(size_t size) {
  RandomStream random(RandomPurpose::kTest, {size});
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random.next_u32());
  return bytes;
}

TEST(Checksum, KnownAnswers) {
  // Of xxHash's specification and its tool: xxh3 of nothing with seed 0.
  EXPECT_EQ(to_hex(xxh3(std::string_view())), "2d06800538d394c2");
  EXPECT_EQ(xxh3(std::string_view()), StreamingChecksum().digest());
}

TEST(Checksum, Crc32cKnownAnswers) {
  EXPECT_EQ(crc32c("123456789"), 0xe3069283U);            // the check value of CRC-32C
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aaU);  // RFC 3720, appendix B.4
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43U);
  EXPECT_EQ(crc32c(""), 0U);
}

TEST(Checksum, StreamEqualsOneShotForAnyPieces) {
  for (const size_t size : {0, 1, 16, 17, 128, 240, 241, 1000, 70000}) {
    const std::string bytes = random_bytes(size);
    for (const size_t piece : {1, 7, 64, 1024, 100000}) {
      StreamingChecksum checksum;
      for (size_t i = 0; i < bytes.size(); i += piece)
        checksum.update(bytes.data() + i, std::min(piece, bytes.size() - i));
      EXPECT_EQ(checksum.digest(), xxh3(bytes)) << size << " in pieces of " << piece;
    }
  }
}

TEST(Checksum, OfAFileEqualsOfItsBytes) {
  const TemporaryFolder folder;
  const std::string bytes = random_bytes((size_t{1} << 20) + 12345);
  write_file_atomically(folder.file("a"), bytes);
  EXPECT_EQ(xxh3_of_file(folder.file("a")), xxh3(bytes));
  EXPECT_EQ(xxh3(std::as_bytes(std::span(bytes))), xxh3(std::string_view(bytes)));
  EXPECT_THROW(xxh3_of_file(folder.file("b")), RunError);
  EXPECT_THROW(xxh3_of_file(folder.path()), RunError);
}

TEST(Checksum, OneFlippedBitChangesIt) {
  std::string bytes = random_bytes(3000);
  const uint64_t before = xxh3(bytes);
  for (size_t bit = 0; bit < bytes.size() * 8; bit += 13) {
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
    EXPECT_NE(xxh3(bytes), before);
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
  }
  EXPECT_EQ(xxh3(bytes), before);
}

TEST(Checksum, HexHasSixteenDigits) {
  EXPECT_EQ(to_hex(0), "0000000000000000");
  EXPECT_EQ(to_hex(0xFEDCBA9876543210ULL), "fedcba9876543210");
}

}  // namespace
}  // namespace linformer
