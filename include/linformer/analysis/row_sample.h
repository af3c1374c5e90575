#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "linformer/data/input_rows.h"
#include "linformer/data/labelled_examples.h"
#include "linformer/data/token_dataset.h"
#include "linformer/nn/encoder.h"
#include "linformer/text/tokenizer.h"

namespace linformer {

/// Rows of real text that all have one length, without padding and without <mask>, so that all
/// attention matrices have one size.
struct RowSample {
  std::vector<InputRow> rows;
  int64_t length = 0;     ///< n, of every row
  int64_t num_read = 0;   ///< rows that were looked at
  int64_t num_short = 0;  ///< of these, left out because they have fewer than n tokens
  int64_t num_cut = 0;    ///< of these, used without what is beyond n tokens
  int64_t longest = 0;    ///< tokens of the longest row that was looked at, before it was cut
};

/// The first `max_rows` (0 = all) rows of n = `length` tokens of a corpus. They are its packed
/// sequences of up to 2 n tokens, cut to n: sequences packed for n are a few tokens shorter, since
/// they end where a sentence ends.
RowSample sample_packed_rows(const TokenDataset& dataset, int64_t length, int64_t max_rows);

/// The first `max_rows` (0 = all) examples of at least n = `length` tokens, cut as in fine-tuning.
/// `type_vocab_size` as for encode_texts().
RowSample sample_labelled_rows(std::span<const LabelledExample> examples,
                               const Tokenizer& tokenizer, int64_t length, int64_t max_rows,
                               int64_t type_vocab_size);

/// The first length - 1 tokens of a row and its last one, </s>. The row has at least `length`.
InputRow cut_row(const InputRow& row, int64_t length);

/// A row as a batch of one. `segments`: the model has segment embeddings.
EncoderInput single_row_input(const InputRow& row, bool segments);

}  // namespace linformer
