#pragma once

#include <memory>

#include "linformer/config/pretrain_config.h"
#include "linformer/data/fixed_predictions.h"
#include "linformer/nn/batch_tokens.h"
#include "linformer/nn/encoder.h"
#include "linformer/nn/model.h"
#include "linformer/train/fixed_shape_pass.h"

namespace linformer {

/// The masked-LM loss of micro-batches (B, N) without segments. Shapes are fixed: padding is
/// computed, and so are predictions that a batch has less than the fixed number; both count
/// nothing.
class MaskedLmPass : public FixedShapePass {
 public:
  /// The shape of the micro-batches.
  struct Shape {
    int64_t num_sequences = 0;  ///< B
    int64_t length = 0;         ///< N
    FixedPredictions predictions;
  };

  /// `model` has to outlive the pass.
  MaskedLmPass(const Model& model, const Shape& shape);

  bool take(const Batch& batch) override;
  at::Tensor loss_sum(ForwardContext& context) const override;

 private:
  const Model& model_;
  Shape shape_;
  EncoderInput input_;
  ChosenTokens chosen_;
  at::Tensor labels_;  // (M), kIgnoredLabel for no prediction
};

/// The pass of micro-batches of `num_sequences` of full length that predict each position with
/// `mlm_probability` at most.
std::unique_ptr<MaskedLmPass> masked_lm_pass(const Model& model, int64_t num_sequences,
                                             double mlm_probability);

/// The pass of a run with this configuration: its micro-batches, and its largest share to predict.
std::unique_ptr<MaskedLmPass> masked_lm_pass(const Model& model, const PretrainConfig& config);

}  // namespace linformer
