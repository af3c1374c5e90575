#include "sentencepiece_file.h"

#include <cstdint>
#include <cstring>
#include <functional>

#include "linformer/core/error.h"

namespace linformer {
namespace {

/// One field of a protocol buffer: a number, or the bytes of a text or of an inner message.
struct WireField {
  uint64_t number = 0;
  uint64_t value = 0;
  std::string_view bytes;

  bool as_bool() const { return value != 0; }
  float as_float() const {
    const auto bits = static_cast<uint32_t>(value);
    float number_of_bits = 0.0F;
    std::memcpy(&number_of_bits, &bits, sizeof bits);
    return number_of_bits;
  }
};

/// Iterates over the fields of a message (protobuf.dev, "Encoding").
class WireReader {
 public:
  WireReader(std::string_view bytes, const std::string& name) : rest_(bytes), name_(name) {}

  void each(const std::function<void(const WireField&)>& take) {
    while (!rest_.empty()) take(next());
  }

 private:
  enum WireType : uint64_t { kVarint = 0, kEightBytes = 1, kLength = 2, kFourBytes = 5 };

  [[noreturn]] void fail_damaged() const {
    fail_run(name_, "this is not a SentencePiece model, or it is damaged",
             "copy the file again from where it came");
  }

  WireField next() {
    const uint64_t key = varint();
    WireField field;
    field.number = key >> 3;
    switch (key & 7) {
      case kVarint:
        field.value = varint();
        break;
      case kEightBytes:
        field.value = fixed(8);
        break;
      case kLength:
        field.bytes = take(varint());
        break;
      case kFourBytes:
        field.value = fixed(4);
        break;
      default:
        fail_damaged();
    }
    return field;
  }

  std::string_view take(uint64_t count) {
    if (count > rest_.size()) fail_damaged();
    const std::string_view front = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return front;
  }

  uint64_t fixed(uint64_t count) {
    uint64_t value = 0;
    const std::string_view bytes = take(count);
    for (size_t i = bytes.size(); i-- > 0;) value = value << 8 | static_cast<uint8_t>(bytes[i]);
    return value;
  }

  uint64_t varint() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<uint8_t>(take(1).front());
      value |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    fail_damaged();
  }

  std::string_view rest_;
  const std::string& name_;
};

SentencePieceFile::Piece parse_piece(std::string_view bytes, const std::string& name) {
  SentencePieceFile::Piece piece;
  WireReader(bytes, name).each([&](const WireField& field) {
    if (field.number == 1) piece.text = field.bytes;
    if (field.number == 2) piece.score = field.as_float();
    if (field.number == 3) piece.type = static_cast<SentencePieceFile::PieceType>(field.value);
  });
  return piece;
}

}  // namespace

SentencePieceFile parse_sentencepiece_file(std::string_view bytes, const std::string& name) {
  SentencePieceFile file;
  const auto read_trainer = [&](const WireField& field) {
    if (field.number == 3) file.model = static_cast<SentencePieceFile::Model>(field.value);
    if (field.number == 24) file.blank_behind_words = field.as_bool();
    if (field.number == 35) file.byte_fallback = field.as_bool();
  };
  const auto read_normalizer = [&](const WireField& field) {
    if (field.number == 1) file.normalization = field.bytes;
    if (field.number == 2) file.charsmap = field.bytes;
    if (field.number == 3) file.add_blank_in_front = field.as_bool();
    if (field.number == 4) file.collapse_blanks = field.as_bool();
    if (field.number == 5) file.mark_blanks = field.as_bool();
  };
  WireReader(bytes, name).each([&](const WireField& field) {
    if (field.number == 1) file.pieces.push_back(parse_piece(field.bytes, name));
    if (field.number == 2) WireReader(field.bytes, name).each(read_trainer);
    if (field.number == 3) WireReader(field.bytes, name).each(read_normalizer);
  });
  return file;
}

}  // namespace linformer
