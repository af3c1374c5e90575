#include "linformer/objectives/masked_lm_objective.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "model_check.h"
#include "run_device.h"

#include "linformer/checkpoint/find_model.h"
#include "linformer/checkpoint/model_config_json.h"
#include "linformer/config/setting_names.h"
#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/log.h"
#include "linformer/models/model_folder.h"
#include "linformer/nn/model_cost.h"
#include "linformer/objectives/batch_stream.h"
#include "linformer/objectives/masked_lm_loss.h"
#include "linformer/objectives/masked_lm_pass.h"
#include "linformer/objectives/one_batch.h"
#include "linformer/report/progress.h"
#include "linformer/train/optimized_parameters.h"

namespace linformer {

namespace {

/// An evaluation, for people.
std::string describe(const EvaluationResult& result, double bits) {
  if (result.model.masked_tokens == 0) {
    return "nothing of the held-out text was masked, so nothing was measured";
  }
  return "held-out perplexity " + format_number(result.model.perplexity()) + " (unigram " +
         format_number(result.unigram->perplexity()) + "), " + format_number(bits) +
         " bits per byte";
}

}  // namespace

MaskedLmObjective::MaskedLmObjective(PretrainConfig config)
    : config_(one_batch_config(std::move(config))),
      data_(open_pretraining_data(config_)),
      unigram_(unigram_model_of(*data_.train)),
      model_(trainable(config_.model, run_device(config_), config_.distributed,
                       config_.training.micro_batch_size),
             static_cast<uint64_t>(config_.run.seed), at::kFloat, run_device(config_)) {
  // Reported before the hours of training, not after them.
  if (data_.valid && !masks_anything(data_.valid->batches(), evaluation_options())) {
    log_warning(
        "data.valid: nothing of the held-out text is masked, so evaluations measure nothing and "
        "there is no best checkpoint; give a longer text, or raise evaluation.mlm_probability");
  }
}

EvaluationOptions MaskedLmObjective::evaluation_options() const {
  return {static_cast<uint64_t>(config_.evaluation.mask_seed), config_.evaluation_batch_size(),
          config_.evaluation.max_sequences};
}

std::vector<OptimizedParameter> MaskedLmObjective::optimized_parameters() const {
  return linformer::optimized_parameters(model_.parameters());
}

ModelFiles MaskedLmObjective::model_files() const {
  return {to_config_json(config_.model), saved_tensors(model_), data_.tokenizer.model_bytes(),
          data_.train->unigram_counts()};
}

void MaskedLmObjective::check_same_model(const std::string& folder,
                                         const std::string& or_else) const {
  const std::string difference = model_difference(config_.model, load_model_config(folder));
  if (difference.empty()) return;
  fail_usage("model." + difference, "as in " + folder + "/config.json",
             "set it to what the folder has, or " + or_else);
}

void MaskedLmObjective::load_checkpoint_weights(const std::string& folder) {
  check_same_model(folder, "choose another " + setting_name("run.dir") + " for a new model");
  load_weights(folder, model_);
}

void MaskedLmObjective::start_weights() {
  if (config_.run.init_from.empty()) return;
  const std::string folder = find_model_folder(config_.run.init_from);
  check_same_model(folder, "leave out " + setting_name("run.init_from"));
  const std::string tokenizer = folder + "/tokenizer.model";
  if (std::filesystem::exists(tokenizer) &&
      read_text_file(tokenizer) != data_.tokenizer.model_bytes()) {
    fail_usage("tokenizer.model",
               config_.tokenizer.model + " is another one than " + tokenizer +
                   ", so the words of " + setting_name("run.init_from") + " mean other things",
               "use the model's own tokenizer, also to prepare the data");
  }
  load_weights(folder, model_);
  log_info("weights from " + folder);
}

std::function<Batch(int64_t)> MaskedLmObjective::micro_batches(
    StreamStart start, std::function<int64_t(int64_t)> offset) const {
  return micro_batches_of(config_, data_.train->batches(), start, std::move(offset));
}

LossSum MaskedLmObjective::loss(const Batch& batch, ForwardContext& context) const {
  return masked_lm_loss(model_, batch, context);
}

std::unique_ptr<FixedShapePass> MaskedLmObjective::fixed_shape_pass() const {
  return masked_lm_pass(model_, config_);
}

std::optional<double> MaskedLmObjective::perplexity(double mean_loss) const {
  return std::exp(mean_loss);
}

std::optional<double> MaskedLmObjective::model_flops_per_token(int64_t step) const {
  return linformer::model_flops_per_token(config_.model, config_.masking_rate().at(step));
}

std::optional<EvaluationScore> MaskedLmObjective::evaluate(Communicator& communicator) {
  EvaluationOptions options = evaluation_options();
  divide(communicator, options);
  WorkProgress progress("measuring held-out text", 0, "sequences");
  if (communicator.is_first()) {
    options.progress = [&](int64_t done, int64_t of) { progress.update(done, of); };
  }
  const EvaluationResult result = sum_over_processes(
      communicator, evaluate_dataset(model_, data_.valid->batches(), options, &unigram_));
  if (!result.complete) return std::nullopt;
  last_evaluation_ = result;
  const double loss = result.model.mean();
  const TokenDataset& valid = data_.valid->dataset();
  const double bits = bits_per_byte(result.model, valid.num_tokens(), valid.text_bytes());
  EvaluationScore score;
  score.record = {{"valid_loss", loss},
                  {"valid_perplexity", result.model.perplexity()},
                  {"valid_bits_per_byte", bits}};
  // The masks are frozen, so these do not change.
  score.constants = {{"unigram_perplexity", result.unigram->perplexity()},
                     {"valid_masked_tokens", result.model.masked_tokens},
                     {"mask_seed", config_.evaluation.mask_seed}};
  if (result.model.masked_tokens > 0) score.score = -loss;
  score.summary = describe(result, bits);
  return score;
}

}  // namespace linformer
