#pragma once

#include <string>
#include <vector>

#include "linformer/core/special_tokens.h"
#include "linformer/text/byte_bpe_file.h"

namespace linformer {

/// A byte as GPT-2 writes it; the rule spelled out once more, apart from the code under test.
inline std::string written_byte(int byte) {
  int code = byte;
  if (byte <= 32) code = 0x100 + byte;
  if (byte >= 127 && byte <= 160) code = 0x100 + 33 + (byte - 127);
  if (byte == 173) code = 0x100 + 67;
  if (code < 0x80) return {static_cast<char>(code)};
  return {static_cast<char>(0xC0 | code >> 6), static_cast<char>(0x80 | (code & 0x3F))};
}

/// Byte b has the id 4 + b; merges give 260 "Ġt", 261 "he", 262 "Ġthe", 263 "lo", 264 "low",
/// 265 "er", 266 "'s", 267 "aa", 268 "Ġlow"; <mask> is 269.
inline ByteBpe tiny_byte_bpe() {
  const std::string blank = written_byte(' ');
  ByteBpe bpe;
  bpe.vocabulary = {"<s>", "<pad>", "</s>", "<unk>"};
  for (int byte = 0; byte < 256; ++byte) bpe.vocabulary.push_back(written_byte(byte));
  bpe.merges = {{blank, "t"}, {"h", "e"}, {blank + "t", "he"}, {"l", "o"},    {"lo", "w"},
                {"e", "r"},   {"'", "s"}, {"a", "a"},          {blank, "low"}};
  for (const auto& [left, right] : bpe.merges) bpe.vocabulary.push_back(left + right);
  bpe.vocabulary.push_back("<mask>");
  return bpe;
}

}  // namespace linformer
