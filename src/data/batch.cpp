#include "linformer/data/batch.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "linformer/core/special_tokens.h"

namespace linformer {

namespace {

constexpr size_t kLengthMultiple = 8;

}  // namespace

Batch make_batch(std::span<const BatchRow> rows, int64_t max_length) {
  size_t longest = 0;
  for (const BatchRow& row : rows) longest = std::max(longest, row.sequence.input_ids.size());
  if (longest > static_cast<size_t>(max_length))
    throw std::length_error("a row of " + std::to_string(longest) + " ids in a batch of at most " +
                            std::to_string(max_length));
  const size_t length =
      std::min(static_cast<size_t>(max_length),
               (longest + kLengthMultiple - 1) / kLengthMultiple * kLengthMultiple);
  Batch batch;
  batch.num_sequences = static_cast<int64_t>(rows.size());
  batch.length = static_cast<int64_t>(length);
  batch.input_ids.assign(rows.size() * length, kPadId);
  batch.attention_mask.assign(rows.size() * length, 0);
  if (std::any_of(rows.begin(), rows.end(),
                  [](const BatchRow& row) { return !row.token_type_ids.empty(); })) {
    batch.token_type_ids.assign(rows.size() * length, 0);
  }
  for (size_t b = 0; b < rows.size(); ++b) {
    const BatchRow& row = rows[b];
    const size_t start = b * length;
    for (size_t i = 0; i < row.sequence.input_ids.size(); ++i) {
      if (!row.attention_mask.empty() && row.attention_mask[i] == 0) continue;
      batch.input_ids[start + i] = row.sequence.input_ids[i];
      batch.attention_mask[start + i] = 1;
      ++batch.num_tokens;
    }
    if (!row.token_type_ids.empty()) {
      std::copy(row.token_type_ids.begin(), row.token_type_ids.end(),
                batch.token_type_ids.begin() + static_cast<std::ptrdiff_t>(start));
    }
    for (const int32_t position : row.sequence.positions)
      batch.masked_positions.push_back(static_cast<int64_t>(start) + position);
    batch.masked_labels.insert(batch.masked_labels.end(), row.sequence.labels.begin(),
                               row.sequence.labels.end());
    batch.samples.push_back(row.sample);
  }
  batch.has_padding = batch.num_tokens < batch.num_sequences * batch.length;
  return batch;
}

BatchSource::BatchSource(std::vector<const SequencePacking*> corpora, CorpusMix mix,
                         const MaskingOptions& masking, uint64_t seed)
    : corpora_(std::move(corpora)), mix_(std::move(mix)), masker_(masking), seed_(seed) {}

SampleId BatchSource::sample(int64_t position) const {
  const CorpusMix::Place place = mix_.at(position);
  SampleId sample = sample_at(corpus_seed(seed_, place.corpus),
                              corpus(place.corpus).num_sequences(), place.index);
  sample.corpus = place.corpus;
  return sample;
}

MaskedSequence BatchSource::training_row(SampleId sample, double mlm_probability) const {
  return masker_.mask(corpus(sample.corpus).tokens(sample.index),
                      training_masks(corpus_seed(seed_, sample.corpus), sample), mlm_probability);
}

Batch BatchSource::batch(int64_t first_position, int64_t count, double mlm_probability) const {
  if (first_position < 0 || count < 0) throw std::out_of_range("a negative position in training");
  std::vector<BatchRow> rows(static_cast<size_t>(count));
  for (size_t b = 0; b < rows.size(); ++b) {
    rows[b].sample = sample(first_position + static_cast<int64_t>(b));
    rows[b].sequence = training_row(rows[b].sample, mlm_probability);
  }
  return make_batch(rows, corpora_.front()->max_sequence_length());
}

Batch BatchSource::evaluation_batch(int64_t first_index, int64_t count, uint64_t mask_seed) const {
  std::vector<BatchRow> rows(static_cast<size_t>(count));
  for (size_t b = 0; b < rows.size(); ++b) {
    const int64_t index = first_index + static_cast<int64_t>(b);
    rows[b].sample = {0, index};
    rows[b].sequence =
        masker_.mask(corpora_.front()->tokens(index), validation_masks(mask_seed, index));
  }
  return make_batch(rows, corpora_.front()->max_sequence_length());
}

}  // namespace linformer
