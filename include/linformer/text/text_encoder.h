#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "linformer/text/tokenizer.h"

namespace linformer {

/// Gives exactly the ids of Tokenizer::encode(), but 2 to 4 times as fast, since it remembers
/// words. It also says which ids belong to which part of a text. Use one per thread.
class TextEncoder {
 public:
  explicit TextEncoder(const Tokenizer& tokenizer);

  /// Appends the ids of a text (valid UTF-8), without <s> and </s>.
  void encode(std::string_view text, const EncodeOptions& options, std::vector<int32_t>& ids);

  /// The same, and appends to `counts` how many of the ids belong to each stretch of the text.
  /// `cuts` are ascending positions in the text: the first stretch ends at the first cut, the
  /// second at the second, and so on, which makes cuts.size() + 1 numbers. An id belongs to the
  /// stretch in which its characters begin. The ids do not depend on the cuts.
  void encode(std::string_view text, const EncodeOptions& options, std::span<const size_t> cuts,
              std::vector<int32_t>& ids, std::vector<uint32_t>& counts);

 private:
  static constexpr size_t kMaxWordBytes = 29;
  static constexpr size_t kMaxWordIds = 8;
  static constexpr size_t kSlots = size_t{1} << 16;

  /// A remembered word in one cache line. Length 0 marks an empty slot.
  struct alignas(64) Slot {
    std::array<char, kMaxWordBytes> word{};
    uint8_t length = 0;
    uint8_t num_ids = 0;
    std::array<int32_t, kMaxWordIds> ids{};
  };
  static_assert(sizeof(Slot) == 64);

  void encode_unit(const TextUnit& unit, std::vector<int32_t>& ids);

  const Tokenizer& tokenizer_;
  std::vector<Slot> slots_;
  std::vector<int32_t> unit_ids_;
  std::vector<size_t> unit_begins_;
};

}  // namespace linformer
