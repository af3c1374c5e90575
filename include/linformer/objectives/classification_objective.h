#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "linformer/config/finetune_config.h"
#include "linformer/nn/model.h"
#include "linformer/objectives/batch_input.h"
#include "linformer/objectives/finetune_data.h"
#include "linformer/objectives/task_evaluator.h"
#include "linformer/train/objective.h"

namespace linformer {

/// The share of the step's learning rate that a parameter of a classifier gets:
/// layer_decay^(L + 1 - depth), where the embeddings have depth 0, layer i (from 0) i + 1, a shared
/// E or F 1, and the final norm and the head L + 1; the head's is multiplied by
/// head_learning_rate.
double layer_learning_rate(const Parameter& parameter, int64_t num_layers,
                           const FinetuneSettings& settings);

/// The model folder that fine-tuning starts from, and its configuration with the changes that
/// `settings` asks for.
struct StartingModel {
  std::string folder;
  ModelConfig config;
  Tokenizer tokenizer;

  /// Of the folder that find_model_folder() gives. Throws RunError for one without model or
  /// tokenizer, or with a tokenizer of another size.
  static StartingModel open(const std::string& init_from, const FinetuneSettings& settings);
};

/// Fine-tuning: an encoder with a new head on labelled rows, scored by the task's first metric on
/// the first held-out set.
class ClassificationObjective : public Objective {
 public:
  /// `start` and `data` have to outlive the objective.
  ClassificationObjective(const FinetuneConfig& config, const StartingModel& start,
                          const FinetuneData& data);

  const Model& model() const { return model_; }

  const ModelConfig& model_config() const override { return model_.config(); }
  const ParameterSet& parameters() const override { return model_.parameters(); }
  std::vector<OptimizedParameter> optimized_parameters() const override;
  ModelFiles model_files() const override;
  void start_weights() override;
  void load_checkpoint_weights(const std::string& folder) override;
  int64_t num_sequences() const override { return data_.train->num_sequences(); }
  uint64_t data_fingerprint() const override { return data_.train->fingerprint(); }
  uint64_t held_out_fingerprint() const override {
    return data_.valid.empty() ? 0 : data_.valid.front().dataset->fingerprint();
  }
  SampleId sample(int64_t position) const override { return data_.train->sample(position); }
  std::function<Batch(int64_t)> micro_batches(
      StreamStart start, std::function<int64_t(int64_t)> offset) const override;
  LossSum loss(const Batch& batch, ForwardContext& context) const override;
  std::vector<at::Tensor> hidden_states(const Batch& batch) const override {
    return token_states(model_.encoder(), batch);
  }
  std::optional<double> perplexity(double) const override { return std::nullopt; }
  std::optional<double> model_flops_per_token(int64_t) const override { return std::nullopt; }
  bool has_evaluation() const override {
    return !data_.valid.empty() && !config_.training.overfit_one_batch;
  }
  std::optional<EvaluationScore> evaluate(Communicator& communicator) override;

  /// Outputs for each row of a set, in the order of its file; nothing if a signal came. `name` is
  /// the set's, for the progress line of rank 0.
  std::optional<TaskOutputs> predict(Communicator& communicator, const LabelledDataset& set,
                                     const std::string& name) const;

 private:
  FinetuneConfig config_;
  const StartingModel& start_;
  const FinetuneData& data_;
  Model model_;
};

}  // namespace linformer
