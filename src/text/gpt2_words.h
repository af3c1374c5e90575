#pragma once

#include <cstddef>
#include <string_view>

namespace linformer {

/// The end of the word that begins at `begin`. GPT-2 cuts a text into these words before it merges
/// bytes; together they are the whole text. `text` has to be valid UTF-8 and longer than `begin`.
/// The pattern is that of github.com/openai/gpt-2 src/encoder.py, with Unicode's letters, numbers
/// and white space:
///
///   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
size_t gpt2_word_end(std::string_view text, size_t begin);

/// Bytes at the end of `text` (valid UTF-8) that are Unicode's white space.
size_t trailing_white_space(std::string_view text);

}  // namespace linformer
