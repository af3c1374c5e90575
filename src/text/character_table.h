#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

namespace linformer {

/// A table of characters replaces some sequences as a whole. For every character (UTF-8) that
/// follows another one in such a sequence, this holds all characters that directly precede it
/// there.
using CharactersBefore = std::map<std::string, std::set<std::string>>;

/// Checks SentencePiece's `precompiled_charsmap`: a length of 4 bytes, a double-array trie of that
/// many bytes (github.com/s-yata/darts-clone), texts that end with NUL. The library reads it
/// without bounds checks. Throws RunError if it is damaged. An empty one is valid: there is no
/// table. `name` is for messages.
void check_character_table(std::string_view charsmap, const std::string& name);

/// The neighbours in the keys of a checked table. Throws RunError if the keys are not characters.
CharactersBefore composed_characters(std::string_view charsmap, const std::string& name);

}  // namespace linformer
