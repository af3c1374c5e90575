#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

namespace linformer {

/// Of every character (UTF-8) that stands behind another one in a sequence that a table of
/// characters replaces as a whole: all characters that stand directly before it there.
using CharactersBefore = std::map<std::string, std::set<std::string>>;

/// Of SentencePiece's `precompiled_charsmap`: a length of 4 bytes, a double-array trie of that many
/// bytes (github.com/s-yata/darts-clone), texts that end with NUL. The library reads it without
/// looking where it reads. Throws RunError if it is damaged (empty: there is no table, and that is
/// fine); `name` is for messages.
void check_character_table(std::string_view charsmap, const std::string& name);

/// Of a table that was checked. Throws RunError if its keys are no characters.
CharactersBefore composed_characters(std::string_view charsmap, const std::string& name);

}  // namespace linformer
