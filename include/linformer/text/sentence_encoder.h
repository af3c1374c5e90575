#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "linformer/text/tokenizer.h"

namespace linformer {

/// Encodes sentences faster than SentencePiece alone by remembering words; one per thread.
///
/// No piece crosses a blank (Tokenizer::encodes_by_word()), so a sentence's pieces are its words'
/// pieces in a row, and a word's pieces can be looked up. For `bpe` that is exact. For `unigram`
/// the sums of scores are rounded differently, so where two segmentations of a word tie to the
/// last bits of a float, the choice may differ from that of the whole sentence (docs/data.md has
/// the measured rate); in return a word has the same pieces wherever it stands.
/// Models for which it does not hold, and sentences with a word that begins with a combining mark,
/// are encoded whole.
class SentenceEncoder {
 public:
  explicit SentenceEncoder(const Tokenizer& tokenizer,
                           SpecialLiterals literals = SpecialLiterals::kAsText);

  /// Appends the ids of a sentence (valid UTF-8), without <s> and </s>.
  void encode(std::string_view sentence, std::vector<int32_t>& ids);

 private:
  static constexpr size_t kMaxWordBytes = 29;
  static constexpr size_t kMaxWordIds = 8;
  static constexpr size_t kSlots = size_t{1} << 16;

  /// A remembered word: one cache line. length 0 marks an empty slot.
  struct alignas(64) Slot {
    std::array<char, kMaxWordBytes> word{};
    uint8_t length = 0;
    uint8_t num_ids = 0;
    std::array<int32_t, kMaxWordIds> ids{};
  };
  static_assert(sizeof(Slot) == 64);

  void encode_word(std::string_view word, std::vector<int32_t>& ids);

  const Tokenizer& tokenizer_;
  SpecialLiterals literals_;
  bool by_word_;
  std::vector<Slot> slots_;
};

}  // namespace linformer
