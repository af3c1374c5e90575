#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "linformer/checkpoint/model_files.h"
#include "linformer/config/trainer_config.h"
#include "linformer/data/batch.h"
#include "linformer/nn/forward_context.h"
#include "linformer/nn/parameters.h"
#include "linformer/optim/optimizer.h"
#include "linformer/report/jsonl_log.h"
#include "linformer/train/communicator.h"
#include "linformer/train/fixed_shape_pass.h"
#include "linformer/train/loss_sum.h"

namespace linformer {

/// Where a session of a run begins.
struct StreamStart {
  int64_t step = 0;      ///< steps done before
  int64_t position = 0;  ///< sequences taken before
};

/// What an evaluation found.
struct EvaluationScore {
  /// The higher the better; what best checkpoint and early stop go by. Nothing: there was nothing
  /// to measure. Not finite: the loss was not.
  std::optional<double> score;
  LogRecord record;     ///< for log.jsonl, without the step
  LogRecord constants;  ///< ditto: what is the same in every evaluation of the run
  std::string summary;  ///< for people, e.g. "held-out perplexity 12.3"
};

/// What a run learns: a model, the batches it reads and the loss it is asked for. The trainer
/// brings everything else: steps, precision, processes, checkpoints, log.
///
/// Batches are pure functions of a position, so that a run resumes exactly; see
/// docs/decisions/0002-arithmetic-data-order.md.
class Objective {
 public:
  virtual ~Objective() = default;

  // The model.
  virtual const ModelConfig& model_config() const = 0;
  virtual const ParameterSet& parameters() const = 0;
  /// With rates of their own where the objective gives some.
  virtual std::vector<OptimizedParameter> optimized_parameters() const = 0;
  virtual ModelFiles model_files() const = 0;
  /// Sets up the weights of a new run, e.g. those of run.init_from.
  virtual void start_weights() = 0;
  /// Takes the weights of a checkpoint of this run. Throws UsageError if it is another model.
  virtual void load_checkpoint_weights(const std::string& folder) = 0;

  // The data.
  virtual int64_t num_sequences() const = 0;  ///< of an epoch
  virtual uint64_t data_fingerprint() const = 0;
  /// Identity of the data that evaluate() measures on; 0 = none.
  virtual uint64_t held_out_fingerprint() const = 0;
  /// The sequence at a position of the run's endless stream.
  virtual SampleId sample(int64_t position) const = 0;
  /// The micro-batches of a session, numbered from 0; pure, and safe to call from several threads.
  /// Micro-batch i begins offset(i) sequences after start.position (with P processes, each computes
  /// every P-th one).
  virtual std::function<Batch(int64_t)> micro_batches(
      StreamStart start, std::function<int64_t(int64_t)> offset) const = 0;

  // The steps.
  virtual LossSum loss(const Batch& batch, ForwardContext& context) const = 0;
  /// The pass for a graph of the step; null if micro-batches have no common shape.
  virtual std::unique_ptr<FixedShapePass> fixed_shape_pass() const { return nullptr; }
  /// The embeddings' output and each layer's, without dropout and gradients: (T, C) each, for the T
  /// tokens of the batch that are not padding.
  virtual std::vector<at::Tensor> hidden_states(const Batch& batch) const = 0;
  /// exp(mean_loss) where the loss is that of tokens; nothing where that means nothing.
  virtual std::optional<double> perplexity(double mean_loss) const = 0;
  /// FLOPs per token that step `step` (from 0) needs; nothing if lengths vary too much.
  virtual std::optional<double> model_flops_per_token(int64_t step) const = 0;

  // The evaluation.
  virtual bool has_evaluation() const = 0;
  /// Every process calls it and does its share; nothing if a stop signal cut it short.
  virtual std::optional<EvaluationScore> evaluate(Communicator& communicator) = 0;
};

}  // namespace linformer
