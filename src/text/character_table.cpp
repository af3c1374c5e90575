#include "character_table.h"

#include <cstdint>
#include <utility>
#include <vector>

#include "linformer/core/error.h"
#include "linformer/core/utf8.h"

namespace linformer {
namespace {

// SentencePiece's tables have some 265,000 nodes and keys of up to 12 bytes. Keys may share their
// ends. In a damaged array a node may lead back to itself.
constexpr size_t kMostNodes = size_t{1} << 22;
constexpr size_t kLongestKey = 255;

/// A unit of the double array, as the library lays it out.
struct Unit {
  uint32_t bits = 0;

  bool ends_a_key() const { return (bits >> 8 & 1) != 0; }
  bool is_reached_by(uint32_t byte) const { return (bits & 0x800000FF) == byte; }
  uint32_t offset() const { return bits >> 10 << ((bits & 0x200) >> 6); }
  /// The position of the text that belongs to the key that ends at this node.
  uint32_t text() const { return bits & 0x7FFFFFFF; }
};

uint32_t little_endian(std::string_view bytes) {
  uint32_t value = 0;
  for (size_t i = 4; i-- > 0;) value = value << 8 | static_cast<uint8_t>(bytes[i]);
  return value;
}

/// The parts of a table; empty if the length is wrong.
struct Table {
  std::vector<Unit> units;
  std::string_view texts;
};

Table parts_of(std::string_view charsmap) {
  if (charsmap.size() < 4) return {};
  const size_t length = little_endian(charsmap);
  charsmap.remove_prefix(4);
  if (length > charsmap.size()) return {};
  Table table{{}, charsmap.substr(length)};
  for (size_t at = 0; at + 4 <= length; at += 4) {
    table.units.push_back({little_endian(charsmap.substr(at))});
  }
  return table;
}

[[noreturn]] void fail_damaged(const std::string& name) {
  fail_run(name, "its table of characters is damaged", "copy the file again from where it came");
}

/// Records the neighbours within a key; false if the key is not UTF-8.
bool add_neighbours(std::string_view key, CharactersBefore& before) {
  if (valid_utf8_prefix(key) != key.size()) return false;
  std::string_view last;
  while (!key.empty()) {
    const std::string_view character = key.substr(0, utf8_character_length(key));
    if (!last.empty()) before[std::string(character)].emplace(last);
    last = character;
    key.remove_prefix(character.size());
  }
  return true;
}

}  // namespace

void check_character_table(std::string_view charsmap, const std::string& name) {
  if (charsmap.empty()) return;
  const Table table = parts_of(charsmap);
  const std::vector<Unit>& units = table.units;
  const std::string_view texts = table.texts;
  if (units.empty() || texts.empty() || texts.back() != '\0') fail_damaged(name);
  std::vector<bool> seen(units.size());
  std::vector<uint32_t> nodes;
  const auto add = [&](uint32_t node) {
    // For any byte in a text, the library reads the unit that the byte would lead to.
    if ((node | 255) >= units.size()) fail_damaged(name);
    if (!seen[node]) nodes.push_back(node);
    seen[node] = true;
  };
  add(units[0].offset());
  while (!nodes.empty()) {
    const uint32_t node = nodes.back();
    nodes.pop_back();
    for (uint32_t byte = 1; byte < 256; ++byte) {
      const uint32_t at = node ^ byte;
      if (!units[at].is_reached_by(byte)) continue;
      const uint32_t next = at ^ units[at].offset();
      add(next);
      if (units[at].ends_a_key() && units[next].text() >= texts.size()) fail_damaged(name);
    }
  }
}

CharactersBefore composed_characters(std::string_view charsmap, const std::string& name) {
  const std::vector<Unit> units = parts_of(charsmap).units;
  if (units.empty()) fail_damaged(name);
  CharactersBefore before;
  size_t num_nodes = 0;
  std::vector<std::pair<uint32_t, std::string>> nodes{{units[0].offset(), ""}};
  while (!nodes.empty()) {
    const auto [node, prefix] = std::move(nodes.back());
    nodes.pop_back();
    for (uint32_t byte = 1; byte < 256; ++byte) {
      const uint32_t at = node ^ byte;
      if (at >= units.size() || !units[at].is_reached_by(byte)) continue;
      const std::string key = prefix + static_cast<char>(byte);
      if (++num_nodes > kMostNodes || key.size() > kLongestKey) fail_damaged(name);
      if (units[at].ends_a_key() && !add_neighbours(key, before)) fail_damaged(name);
      nodes.emplace_back(at ^ units[at].offset(), key);
    }
  }
  return before;
}

}  // namespace linformer
