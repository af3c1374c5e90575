#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "linformer/text/document_reader.h"
#include "linformer/text/sentence_splitter.h"

namespace linformer {

enum class TokenizerType { kUnigram, kBpe };

/// The type of this name ("unigram", "bpe"); throws UsageError.
TokenizerType tokenizer_type_of(const std::string& name);

struct TokenizerTraining {
  std::vector<std::string> inputs;  ///< paths; "-" is standard input
  std::optional<TextLayout> layout;
  LineEnds line_ends = LineEnds::kBreak;
  BadLines bad_lines = BadLines::kRefuse;
  TokenizerType type = TokenizerType::kUnigram;
  int32_t vocab_size = 16000;  ///< in total, the five special tokens included
  bool byte_fallback = true;   ///< characters that are not covered become bytes, never <unk>
  double character_coverage = 0.9995;
  std::string normalization = "nmt_nfkc";  ///< nmt_nfkc, nfkc, nmt_nfkc_cf, nfkc_cf, identity
  int64_t sample_sentences = 1'000'000;    ///< drawn from the corpus with the seed; 0 = all
  uint32_t seed = 1;
  /// The result depends on it, since sums of floats are grouped by thread. The default is fixed,
  /// not the number of cores, so that every machine gets the same model.
  int threads = 16;
};

struct TrainedTokenizer {
  std::string model_bytes;
  std::vector<TextLayout> layouts;  ///< of each input
  int64_t documents = 0;
  int64_t sentences = 0;
  int64_t cut_sentences = 0;  ///< longer than SentencePiece's limit; it learned from their parts
  uint64_t no_text = 0;       ///< JSON objects whose text is null, left out
  uint64_t bad_lines = 0;     ///< lines left out as TokenizerTraining::bad_lines says
  uint64_t text_bytes = 0;
  uint64_t invalid_utf8 = 0;
};

/// Trains a SentencePiece model. The same texts, options and library give the same bytes.
///
/// It learns from the whole text (or the sample). Sentences without white space between them stay
/// together, since encoding sees them so. Text longer than 16,384 bytes is cut before a blank, else
/// at the end of a sentence, else between characters.
///
/// SentencePiece numbers control symbols at the front, but <mask> has to be last. Training
/// therefore uses vocab_size - 1, and <mask> is appended to the finished model as a control piece.
/// The pieces are a repeated field of a protocol buffer, so a record added at the end of the file
/// becomes the last piece. The file stays an ordinary SentencePiece model.
///
/// Throws UsageError for options that the corpus cannot satisfy (a vocabulary that is too large),
/// and as check_input() for inputs. `keep_going` is called now and then while reading; if it
/// returns false, the training ends with RunError.
TrainedTokenizer train_tokenizer(const TokenizerTraining& options,
                                 const std::function<bool(uint64_t consumed_bytes)>& keep_going);

/// `model_bytes` with the control piece <mask> appended as the last piece.
std::string append_mask_piece(std::string model_bytes);

}  // namespace linformer
