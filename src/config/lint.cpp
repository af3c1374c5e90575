#include <algorithm>
#include <cmath>

#include "linformer/config/pretrain_config.h"
#include "linformer/core/format.h"

namespace linformer {
namespace {

/// Learning rates that trained RoBERTa-base well (256 sequences: 1e-4, 2,048: 5e-4, 8,192: 7e-4)
/// grow about as the root of the batch size; narrower models take more, about as 1 / width.
double usual_learning_rate(const PretrainConfig& config) {
  const double batch = static_cast<double>(config.training.global_batch_size);
  const double width = static_cast<double>(config.model.hidden_size);
  return 1e-4 * std::sqrt(batch / 256.0) * (768.0 / width);
}

void lint_learning_rate(const PretrainConfig& config, std::vector<std::string>& warnings) {
  if (config.training.optimizer.type != OptimizerType::kAdamw) return;
  const double usual = usual_learning_rate(config);
  const double ratio = config.training.learning_rate / usual;
  if (ratio > 1.0 / 30.0 && ratio < 30.0) return;
  warnings.push_back("training.learning_rate " + format_number(config.training.learning_rate) +
                     " is far from what usually trains width " +
                     std::to_string(config.model.hidden_size) + " at " +
                     std::to_string(config.training.global_batch_size) +
                     " sequences a step (about " + format_number(usual, 2) + ")");
}

void lint_schedule(const PretrainConfig& config, std::vector<std::string>& warnings) {
  const std::optional<int64_t> steps = config.planned_steps();
  const int64_t warmup = config.resolved_warmup_steps();
  if (steps && 2 * warmup > *steps) {
    warnings.push_back("warm-up takes " + format_count(warmup) + " of " + format_count(*steps) +
                       " steps; 6 % is usual");
  }
  if (warmup == 0 && config.model.norm_position == NormPosition::kPost) {
    warnings.push_back(
        "post-norm layers without warm-up often diverge; set "
        "training.schedule.warmup_share: 0.06");
  }
  if (steps && *steps > 10'000'000) {
    warnings.push_back(format_count(*steps) +
                       " optimizer steps are planned; the paper used "
                       "250,000");
  }
}

void lint_model(const PretrainConfig& config, std::vector<std::string>& warnings) {
  const ModelConfig& model = config.model;
  const AttentionConfig& attention = model.attention;
  if (model.head_size() < 16 || model.head_size() > 256) {
    warnings.push_back("model.num_attention_heads " + std::to_string(model.num_attention_heads) +
                       " makes heads " + std::to_string(model.head_size()) +
                       " wide; 32 to 128 is usual");
  }
  int64_t largest = 0;
  for (int64_t layer = 0; layer < model.num_hidden_layers; ++layer) {
    if (model.attention_type(layer) != AttentionType::kLinformer) continue;
    for (const int64_t k : model.projected_lengths(layer)) largest = std::max(largest, k);
  }
  if (2 * largest > model.max_sequence_length) {
    warnings.push_back("model.attention.projected_length " + std::to_string(largest) +
                       " is more than half of n = " + std::to_string(model.max_sequence_length) +
                       ": standard attention costs no more");
  }
  if (largest == 0 || attention.projection != ProjectionType::kLinear) return;
  if (model.hidden_size <= 256 && attention.init == ProjectionInit::kNormal) {
    warnings.push_back(
        "small Linformers with model.attention.init: normal may stay at the unigram model's "
        "perplexity; with block_average and initializer_range: auto they did not");
  }
}

void lint_run(const PretrainConfig& config, std::vector<std::string>& warnings) {
  const std::optional<int64_t> steps = config.planned_steps();
  if (config.data.mlm_probability > 0.5) {
    warnings.push_back("data.mlm_probability " + format_number(config.data.mlm_probability) +
                       " hides most of the text; 0.15 is usual");
  }
  if (config.data.valid.empty()) {
    warnings.push_back("data.valid is empty: no held-out perplexity, no best checkpoint");
  }
  for (const std::string& path : config.data.valid) {
    if (std::find(config.data.train.begin(), config.data.train.end(), path) !=
        config.data.train.end()) {
      warnings.push_back("data.valid " + path +
                         " is also in data.train: its perplexity will be too low");
    }
  }
  if (config.training.overfit_one_batch) return;  // nothing is saved
  if (steps && config.checkpoint.every > *steps) {
    warnings.push_back("checkpoint.every " + format_count(config.checkpoint.every) +
                       " is more than the run's " + format_count(*steps) +
                       " steps: only the end is saved");
  }
  if (!steps && config.checkpoint.every == 0) {
    warnings.push_back("checkpoint.every is 0: a power failure or kill -9 loses the whole run");
  }
}

}  // namespace

std::vector<std::string> lint(const PretrainConfig& config) {
  std::vector<std::string> warnings;
  lint_learning_rate(config, warnings);
  lint_schedule(config, warnings);
  lint_model(config, warnings);
  lint_run(config, warnings);
  return warnings;
}

}  // namespace linformer
