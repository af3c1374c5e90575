#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "linformer/core/random.h"
#include "linformer/data/data_order.h"

namespace linformer {

struct MaskingOptions {
  double mlm_probability = 0.15;     ///< share of the maskable positions that are predicted
  double replace_probability = 0.8;  ///< of these, the share that becomes <mask>
  double random_probability = 0.1;   ///< and the share that becomes a random id; the rest is kept
  int64_t vocab_size = 0;            ///< <mask> is vocab_size - 1
};

/// A sequence after masking.
struct MaskedSequence {
  std::vector<int32_t> input_ids;
  std::vector<int32_t> positions;  ///< that are predicted, ascending
  std::vector<int32_t> labels;     ///< the ids that were there
};

/// Masks tokens as BERT and RoBERTa do. Of m maskable positions, floor(p m + u) are predicted, with
/// u uniform in [0, 1), so that their expected number is p m; drawn without replacement. Special
/// tokens (<s>, <pad>, </s>, <unk>, <mask>) are never predicted and never put in as random ids.
class MlmMasker {
 public:
  /// Throws UsageError for probabilities outside [0, 1] or a vocabulary of special tokens only.
  explicit MlmMasker(const MaskingOptions& options);

  /// A pure function of the ids, the stream's key and the share to predict.
  MaskedSequence mask(std::span<const int32_t> tokens, RandomStream random,
                      double mlm_probability) const;
  /// With the share of the options.
  MaskedSequence mask(std::span<const int32_t> tokens, RandomStream random) const {
    return mask(tokens, random, options_.mlm_probability);
  }

  bool is_special(int32_t id) const;
  const MaskingOptions& options() const { return options_; }

 private:
  MaskingOptions options_;
};

/// The stream of training masks of one sequence in one epoch: dynamic masking.
RandomStream training_masks(uint64_t seed, SampleId sample);
/// The stream of validation masks of sequence `index`: the same in every evaluation.
RandomStream validation_masks(uint64_t mask_seed, int64_t index);

}  // namespace linformer
