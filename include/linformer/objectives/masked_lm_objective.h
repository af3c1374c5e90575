#pragma once

#include <memory>
#include <optional>

#include "linformer/config/pretrain_config.h"
#include "linformer/metrics/unigram_model.h"
#include "linformer/nn/model.h"
#include "linformer/objectives/batch_input.h"
#include "linformer/objectives/evaluator.h"
#include "linformer/objectives/pretraining_data.h"
#include "linformer/train/objective.h"

namespace linformer {

/// Pre-training: a masked-LM model on packed text, scored by its held-out loss.
class MaskedLmObjective : public Objective {
 public:
  /// Opens the data and builds the model. Throws Error.
  explicit MaskedLmObjective(PretrainConfig config);

  const PretrainConfig& config() const { return config_; }
  const Model& model() const { return model_; }
  /// The last whole evaluation, if there was one.
  const std::optional<EvaluationResult>& last_evaluation() const { return last_evaluation_; }

  const ModelConfig& model_config() const override { return config_.model; }
  const ParameterSet& parameters() const override { return model_.parameters(); }
  std::vector<OptimizedParameter> optimized_parameters() const override;
  ModelFiles model_files() const override;
  void start_weights() override;
  void load_checkpoint_weights(const std::string& folder) override;
  int64_t num_sequences() const override { return data_.train->num_sequences(); }
  uint64_t data_fingerprint() const override { return data_.train->fingerprint(); }
  uint64_t held_out_fingerprint() const override {
    return data_.valid ? data_.valid->fingerprint() : 0;
  }
  SampleId sample(int64_t position) const override {
    return data_.train->batches().sample(position);
  }
  std::function<Batch(int64_t)> micro_batches(
      StreamStart start, std::function<int64_t(int64_t)> offset) const override;
  LossSum loss(const Batch& batch, ForwardContext& context) const override;
  std::unique_ptr<FixedShapePass> fixed_shape_pass() const override;
  std::vector<at::Tensor> hidden_states(const Batch& batch) const override {
    return token_states(model_.encoder(), batch);
  }
  std::optional<double> perplexity(double mean_loss) const override;
  std::optional<double> model_flops_per_token(int64_t step) const override;
  bool has_evaluation() const override { return data_.valid != nullptr; }
  std::optional<EvaluationScore> evaluate(Communicator& communicator) override;

 private:
  EvaluationOptions evaluation_options() const;
  void check_same_model(const std::string& folder, const std::string& or_else) const;

  PretrainConfig config_;
  PretrainingData data_;
  UnigramModel unigram_;
  Model model_;
  std::optional<EvaluationResult> last_evaluation_;
};

}  // namespace linformer
