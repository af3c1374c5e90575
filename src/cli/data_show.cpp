#include "data_show.h"

#include <nlohmann/json.hpp>

#include "linformer/core/format.h"

namespace linformer {

namespace {

constexpr int32_t kIgnoredLabel = -100;

std::string range(const char* name, IndexRange indices) {
  if (indices.size() == 1) return std::string(name) + " " + format_count(indices.begin);
  return std::string(name) + "s " + format_count(indices.begin) + " to " +
         format_count(indices.end - 1);
}

}  // namespace

std::string show_masked(const Tokenizer& tokenizer, std::span<const int32_t> original,
                        const MaskedSequence& masked) {
  std::string text;
  size_t begin = 0;
  const auto show_plain = [&](size_t end) {
    if (begin == end) return;
    if (begin > 0 && tokenizer.begins_word(original[begin])) text += ' ';
    text += tokenizer.decode_with_specials(original.subspan(begin, end - begin));
  };
  for (size_t i = 0; i < masked.positions.size(); ++i) {
    const auto position = static_cast<size_t>(masked.positions[i]);
    show_plain(position);
    const int32_t label = masked.labels[i];
    const int32_t shown = masked.input_ids[position];
    if (tokenizer.begins_word(label)) text += ' ';
    text += '[' + tokenizer.readable_piece(label) + " > ";
    text += shown == label ? "same" : tokenizer.readable_piece(shown);
    text += ']';
    begin = position + 1;
  }
  show_plain(original.size());
  return text;
}

std::string show_source(const SequenceSource& source, const MaskedSequence& masked) {
  return range("document", source.documents) + ", " + range("sentence", source.sentences) + ", " +
         format_count(static_cast<int64_t>(masked.input_ids.size())) + " ids, " +
         format_count(static_cast<int64_t>(masked.positions.size())) + " predicted";
}

nlohmann::ordered_json masked_to_json(const Tokenizer& tokenizer, SampleId sample,
                                      const SequenceSource& source,
                                      std::span<const int32_t> original,
                                      const MaskedSequence& masked) {
  std::vector<int32_t> labels(masked.input_ids.size(), kIgnoredLabel);
  for (size_t i = 0; i < masked.positions.size(); ++i) {
    labels[static_cast<size_t>(masked.positions[i])] = masked.labels[i];
  }
  return {{"epoch", sample.epoch},
          {"sequence", sample.index},
          {"documents", {source.documents.begin, source.documents.end}},
          {"input_ids", masked.input_ids},
          {"labels", labels},
          {"text", show_masked(tokenizer, original, masked)}};
}

}  // namespace linformer
