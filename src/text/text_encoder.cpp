#include "linformer/text/text_encoder.h"

#include <algorithm>
#include <cstring>

#include "linformer/core/checksum.h"

namespace linformer {

namespace {

/// Counts the ids between cuts while they are appended.
class StretchCounter {
 public:
  StretchCounter(std::span<const size_t> cuts, const std::vector<int32_t>& ids,
                 std::vector<uint32_t>& counts)
      : cuts_(cuts), ids_(ids), counts_(counts), open_(ids.size()) {}

  /// Ids appended after this call begin at `position` of the text.
  void go_to(size_t position) {
    while (next_ < cuts_.size() && cuts_[next_] <= position) close();
  }
  bool cut_within(size_t begin, size_t end) {
    go_to(begin);
    return next_ < cuts_.size() && cuts_[next_] < end;
  }
  void finish() {
    while (next_ <= cuts_.size()) close();
  }

 private:
  void close() {
    counts_.push_back(static_cast<uint32_t>(ids_.size() - open_));
    open_ = ids_.size();
    ++next_;
  }

  std::span<const size_t> cuts_;
  const std::vector<int32_t>& ids_;
  std::vector<uint32_t>& counts_;
  size_t open_;      // of ids_: the first of the open stretch
  size_t next_ = 0;  // of cuts_: where the open stretch ends
};

}  // namespace

TextEncoder::TextEncoder(const Tokenizer& tokenizer) : tokenizer_(tokenizer), slots_(kSlots) {}

void TextEncoder::encode(std::string_view text, const EncodeOptions& options,
                         std::vector<int32_t>& ids) {
  tokenizer_.for_each_unit(text, options, [&](const TextUnit& unit) { encode_unit(unit, ids); });
}

void TextEncoder::encode(std::string_view text, const EncodeOptions& options,
                         std::span<const size_t> cuts, std::vector<int32_t>& ids,
                         std::vector<uint32_t>& counts) {
  StretchCounter counter(cuts, ids, counts);
  tokenizer_.for_each_unit(text, options, [&](const TextUnit& unit) {
    const auto begin = static_cast<size_t>(unit.text.data() - text.data());
    if (!counter.cut_within(begin, begin + unit.text.size())) {
      encode_unit(unit, ids);
      return;
    }
    unit_ids_.clear();
    unit_begins_.clear();
    tokenizer_.encode_unit(unit, unit_ids_, unit_begins_);
    for (size_t i = 0; i < unit_ids_.size(); ++i) {
      counter.go_to(begin + unit_begins_[i]);
      ids.push_back(unit_ids_[i]);
    }
  });
  counter.finish();
}

void TextEncoder::encode_unit(const TextUnit& unit, std::vector<int32_t>& ids) {
  const std::string_view word = unit.text;
  if (word.size() > kMaxWordBytes || unit.continues || unit.literal >= 0) {
    tokenizer_.encode_unit(unit, ids);
    return;
  }
  Slot& slot = slots_[xxh3(word) % kSlots];
  if (slot.length == word.size() && std::memcmp(slot.word.data(), word.data(), word.size()) == 0) {
    ids.insert(ids.end(), slot.ids.begin(), slot.ids.begin() + slot.num_ids);
    return;
  }
  const size_t before = ids.size();
  tokenizer_.encode_unit(unit, ids);
  const size_t num_ids = ids.size() - before;
  if (num_ids > kMaxWordIds) return;
  std::copy(word.begin(), word.end(), slot.word.begin());
  slot.length = static_cast<uint8_t>(word.size());
  slot.num_ids = static_cast<uint8_t>(num_ids);
  std::copy(ids.begin() + static_cast<ptrdiff_t>(before), ids.end(), slot.ids.begin());
}

}  // namespace linformer
