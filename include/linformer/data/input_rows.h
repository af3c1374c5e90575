#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "linformer/config/truncation.h"
#include "linformer/text/tokenizer.h"

namespace linformer {

/// A sequence as a model takes it.
struct InputRow {
  std::vector<int32_t> input_ids;
  std::vector<uint8_t> attention_mask;  ///< one per id, 1 = token
  std::vector<int32_t> token_type_ids;  ///< one per id, or empty = all 0

  bool operator==(const InputRow&) const = default;
};

/// The limits that rows have to respect.
struct InputLimits {
  int64_t vocab_size = 0;
  int64_t max_sequence_length = 0;
  int64_t type_vocab_size = 0;
};

/// Why a text cannot be encoded: it "is empty" (or only white space), or "holds a NUL byte, so it
/// is not text"; "" if it can.
std::string text_problem(const std::string& text);

/// `<s> a </s>`, or `<s> a </s></s> b </s>` if there is a second text, as in RoBERTa. With segment
/// embeddings, b and its </s> are segment 1.
InputRow encode_texts(const Tokenizer& tokenizer, const std::string& a, const std::string* b,
                      int64_t type_vocab_size);

/// The longest row that texts may become, and which part of a text is cut off to fit.
struct TextLimits {
  int64_t max_sequence_length = 512;  ///< with special tokens; at least 8
  Truncation truncation = Truncation::kHead;
  int64_t type_vocab_size = 0;
};

/// Like encode_texts(), but cut to fit. A pair loses tokens of its longer text until both are
/// equally long, then of both in turn, beginning with the second (longest first, as in
/// transformers). Adds 1 to `num_truncated` if anything was cut.
InputRow encode_texts_within(const Tokenizer& tokenizer, const std::string& a, const std::string* b,
                             const TextLimits& limits, int64_t& num_truncated);

/// Keeps `count` of the tokens, or all if there are fewer. kHeadTail keeps (count + 2) / 4 from the
/// beginning: a quarter of the row with <s> and </s>, 128 of 512.
void truncate_tokens(std::vector<int32_t>& ids, int64_t count, Truncation truncation);

/// The rows of a file.
struct InputRows {
  std::vector<InputRow> rows;
  int64_t num_repaired = 0;  ///< malformed UTF-8 sequences that became U+FFFD
};

/// Reads the rows of a file (plain, zstd, gzip) or of standard input ("-"), one JSON object per
/// line:
///
///   {"input_ids": [0, 17, 2, 1], "attention_mask": [1, 1, 1, 0]}
///   {"text": "One sentence.", "text_pair": "Another one."}
///
/// `attention_mask` and `text_pair` may be absent or null; without a mask, every id but <pad> (1)
/// counts as a token. `token_type_ids` may be given together with input_ids. `tokenizer` may be
/// null; rows of text are then refused. A bad row throws RunError that names FILE:LINE. So does a
/// file without rows.
InputRows read_input_rows(const std::string& path, const InputLimits& limits,
                          const Tokenizer* tokenizer);

}  // namespace linformer
