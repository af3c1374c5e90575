#pragma once

#include <cstdint>
#include <string>

#include "linformer/text/tokenizer.h"

namespace linformer {

/// The model that a tokenizer is exported for.
struct TokenizedModel {
  int64_t max_sequence_length = 0;
  bool segments = false;  ///< second texts are segment 1
};

/// A tokenizer in the files that transformers reads (AutoTokenizer, of any version).
struct TransformersTokenizer {
  std::string tokenizer_json;
  std::string tokenizer_config_json;
};

/// Exports everything that Tokenizer does: normaliser, pieces with their scores or merges, bytes of
/// characters that have no piece, <s> and </s> around texts and pairs. AutoTokenizer then gives the
/// same ids as the programs here, with these exceptions: special tokens written out in a text are
/// always special there; two segmentations of the same score may be exchanged; and its normaliser
/// does not know a few characters or treats them differently (docs/checkpoint-format.md).
///
/// Throws RunError for SentencePiece models that cannot be expressed this way: user-defined or
/// unused pieces, model types word and char, blanks after words, or no mark for blanks.
TransformersTokenizer to_transformers(const Tokenizer& tokenizer, const TokenizedModel& model);

}  // namespace linformer
