#pragma once

#include <string_view>
#include <vector>

namespace linformer {

/// Appends the words that GPT-2 cuts a text into before it merges bytes; together they are the
/// whole text. `text` has to be valid UTF-8. The pattern, of
/// github.com/openai/gpt-2 src/encoder.py, with Unicode's letters, numbers and white space:
///
///   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
void split_gpt2_words(std::string_view text, std::vector<std::string_view>& words);

/// Bytes at the end of `text` (valid UTF-8) that are Unicode's white space.
size_t trailing_white_space(std::string_view text);

}  // namespace linformer
