#include "linformer/data/packing.h"

#include <algorithm>
#include <stdexcept>

#include "linformer/core/error.h"
#include "linformer/core/special_tokens.h"

namespace linformer {

SequencePacking::SequencePacking(const TokenDataset& dataset, const PackingOptions& options)
    : dataset_(&dataset), max_sequence_length_(options.max_sequence_length) {
  constexpr int64_t kLongest = int64_t{1} << 24;  // as in a configuration
  if (max_sequence_length_ < 3 || max_sequence_length_ > kLongest) {
    fail_usage(
        "model.max_sequence_length",
        std::to_string(max_sequence_length_) +
            (max_sequence_length_ < 3 ? " leaves no room beside <s> and </s>" : " is too large"),
        "choose 8 to " + std::to_string(kLongest));
  }
  const int64_t room = max_sequence_length_ - 2;
  int64_t used = 0;  // ids between <s> and the last </s> of the open sequence
  const auto add = [&](int64_t begin, int64_t length, bool new_document) {
    const int64_t separator = new_document && used > 0 ? 1 : 0;
    if (used > 0 && used + separator + length > room) {
      num_positions_ += used + 2;
      used = 0;
    }
    if (used == 0) {
      begins_.push_back(begin);
      used = length;
    } else {
      used += separator + length;
    }
  };
  // Pieces after the first follow a full sequence, so none of them needs a separator.
  const auto add_sentence = [&](int64_t begin, int64_t end, bool new_document) {
    for (int64_t piece = begin; piece < end; piece += room)
      add(piece, std::min(room, end - piece), new_document);
  };
  // A sentence's end is known only when the next one begins.
  int64_t open_begin = 0;
  bool open_first = true;
  dataset.for_each_sentence([&](int64_t begin, bool first_of_document) {
    add_sentence(open_begin, begin, open_first);
    open_begin = begin;
    open_first = first_of_document;
  });
  add_sentence(open_begin, dataset.num_tokens(), open_first);
  if (used > 0) num_positions_ += used + 2;
  begins_.push_back(dataset.num_tokens());
  begins_.shrink_to_fit();
  dataset.check({0, dataset.num_tokens()});
}

SequenceSource SequencePacking::source(int64_t index) const {
  if (index < 0 || index >= num_sequences())
    throw std::out_of_range("sequence " + std::to_string(index) + " of " +
                            std::to_string(num_sequences()));
  const IndexRange tokens{begins_[static_cast<size_t>(index)],
                          begins_[static_cast<size_t>(index) + 1]};
  const IndexRange sentences{dataset_->sentence_of_token(tokens.begin),
                             dataset_->sentence_of_token(tokens.end - 1) + 1};
  const IndexRange documents{dataset_->document_of_sentence(sentences.begin),
                             dataset_->document_of_sentence(sentences.end - 1) + 1};
  return {tokens, sentences, documents};
}

std::vector<int32_t> SequencePacking::tokens(int64_t index) const {
  const SequenceSource place = source(index);
  std::vector<int32_t> ids;
  ids.reserve(static_cast<size_t>(place.tokens.size() + place.documents.size() + 1));
  ids.push_back(kBosId);
  for (int64_t d = place.documents.begin; d < place.documents.end; ++d) {
    const IndexRange document = dataset_->document_tokens(d);
    dataset_->append_tokens(
        {std::max(document.begin, place.tokens.begin), std::min(document.end, place.tokens.end)},
        ids);
    ids.push_back(kEosId);  // between documents, and at the end of the sequence
  }
  dataset_->check(place.tokens);
  return ids;
}

double SequencePacking::fill() const {
  const double positions = static_cast<double>(num_sequences() * max_sequence_length_);
  return positions == 0 ? 0.0 : static_cast<double>(num_positions_) / positions;
}

}  // namespace linformer
