#include "linformer/analysis/row_sample.h"

#include <algorithm>
#include <string>
#include <utility>

#include "linformer/data/packing.h"
#include "linformer/objectives/row_input.h"

namespace linformer {
namespace {

bool is_full(const RowSample& sample, int64_t max_rows) {
  return max_rows > 0 && static_cast<int64_t>(sample.rows.size()) >= max_rows;
}

/// Counts a row of `tokens` tokens; whether it is long enough.
bool count_row(RowSample& sample, int64_t tokens) {
  ++sample.num_read;
  sample.longest = std::max(sample.longest, tokens);
  if (tokens < sample.length) {
    ++sample.num_short;
    return false;
  }
  if (tokens > sample.length) ++sample.num_cut;
  return true;
}

template <class Value>
void cut(std::vector<Value>& values, int64_t length) {
  if (values.empty()) return;
  const Value last = values.back();
  values.resize(static_cast<size_t>(length));
  values.back() = last;
}

}  // namespace

InputRow cut_row(const InputRow& row, int64_t length) {
  InputRow result = row;
  cut(result.input_ids, length);
  cut(result.attention_mask, length);
  cut(result.token_type_ids, length);
  return result;
}

RowSample sample_packed_rows(const TokenDataset& dataset, int64_t length, int64_t max_rows) {
  RowSample sample;
  sample.length = length;
  PackingOptions options;
  options.max_sequence_length = 2 * length;
  const SequencePacking packing(dataset, options);
  for (int64_t i = 0; i < packing.num_sequences() && !is_full(sample, max_rows); ++i) {
    InputRow row;
    row.input_ids = packing.tokens(i);
    if (!count_row(sample, static_cast<int64_t>(row.input_ids.size()))) continue;
    row.attention_mask.assign(row.input_ids.size(), 1);
    sample.rows.push_back(cut_row(row, length));
  }
  return sample;
}

RowSample sample_labelled_rows(std::span<const LabelledExample> examples,
                               const Tokenizer& tokenizer, int64_t length, int64_t max_rows,
                               int64_t type_vocab_size) {
  RowSample sample;
  sample.length = length;
  const TextLimits limits{length, Truncation::kHead, type_vocab_size};
  for (const LabelledExample& example : examples) {
    if (is_full(sample, max_rows)) break;
    const std::string* second = example.b ? &*example.b : nullptr;
    InputRow row = encode_texts(tokenizer, example.a, second, type_vocab_size);
    const auto tokens = static_cast<int64_t>(row.input_ids.size());
    if (!count_row(sample, tokens)) continue;
    int64_t num_cut = 0;
    if (tokens > length) row = encode_texts_within(tokenizer, example.a, second, limits, num_cut);
    sample.rows.push_back(std::move(row));
  }
  return sample;
}

EncoderInput single_row_input(const InputRow& row, bool segments) {
  const InputRow* rows[] = {&row};
  return row_input(rows, segments);
}

}  // namespace linformer
