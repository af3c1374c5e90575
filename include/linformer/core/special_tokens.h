#pragma once

#include <cstdint>

namespace linformer {

// Ids of the special tokens, as in RoBERTa: four at the front of the vocabulary, <mask> at its end.
inline constexpr int32_t kBosId = 0;  ///< <s>, first token of every sequence
inline constexpr int32_t kPadId = 1;  ///< <pad>, fills a batch's shorter rows
inline constexpr int32_t kEosId = 2;  ///< </s>, ends a sequence and separates documents
inline constexpr int32_t kUnkId = 3;  ///< <unk>, a piece that the vocabulary lacks

/// Id of <mask>: the last id of the vocabulary.
constexpr int32_t mask_id(int64_t vocab_size) {
  return static_cast<int32_t>(vocab_size - 1);
}

}  // namespace linformer
