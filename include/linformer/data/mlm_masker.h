#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "linformer/core/random.h"
#include "linformer/data/data_order.h"

namespace linformer {

struct MaskingOptions {
  double mlm_probability = 0.15;     ///< share of the maskable positions that are predicted
  double replace_probability = 0.8;  ///< of these, the share that becomes <mask>
  double random_probability = 0.1;   ///< of these, the share that becomes random; the rest is kept
  int64_t vocab_size = 0;            ///< <mask> is vocab_size - 1
  /// Per id, 1 if it begins a word (Tokenizer::word_starts()): whole words are predicted. Empty:
  /// single tokens are predicted.
  std::vector<uint8_t> word_starts = {};
};

/// A sequence after masking.
struct MaskedSequence {
  std::vector<int32_t> input_ids;
  std::vector<int32_t> positions;  ///< positions to predict, ascending
  std::vector<int32_t> labels;     ///< the original ids there
};

/// Masks tokens as BERT and RoBERTa do. Of m maskable positions, floor(p m + u) are predicted, with
/// u uniform in [0, 1), so that their expected number is p m. They are drawn without replacement.
/// Special tokens (<s>, <pad>, </s>, <unk>, <mask>) are never predicted and never used as random
/// ids.
///
/// With word_starts, words are drawn in the same way. A word is a maskable position and the
/// maskable positions after it that do not begin a word. Either all tokens of a word are predicted
/// or none; the replacement of each is drawn token by token. Every word has the same chance, so the
/// expected number of tokens is p m as well.
class MlmMasker {
 public:
  /// Throws UsageError for probabilities outside [0, 1] or a vocabulary of special tokens only.
  explicit MlmMasker(const MaskingOptions& options);

  /// A pure function of the ids, the stream's key and the share to predict.
  MaskedSequence mask(std::span<const int32_t> tokens, RandomStream random,
                      double mlm_probability) const;
  /// With the share of the masking options.
  MaskedSequence mask(std::span<const int32_t> tokens, RandomStream random) const {
    return mask(tokens, random, options_.mlm_probability);
  }

  bool is_special(int32_t id) const;
  const MaskingOptions& options() const { return options_; }

 private:
  using IndexSpan = std::pair<int32_t, int32_t>;  // half-open

  /// The units that are predicted together, ascending: words, or single tokens.
  std::vector<IndexSpan> maskable_units(std::span<const int32_t> tokens) const;
  bool continues_word(int32_t id) const {
    return !options_.word_starts.empty() && options_.word_starts[static_cast<size_t>(id)] == 0;
  }

  MaskingOptions options_;
};

/// The stream of training masks of one sequence in one epoch: dynamic masking.
RandomStream training_masks(uint64_t seed, SampleId sample);
/// The stream of validation masks of sequence `index`: the same in every evaluation.
RandomStream validation_masks(uint64_t mask_seed, int64_t index);

}  // namespace linformer
