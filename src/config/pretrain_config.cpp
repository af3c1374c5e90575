#include "linformer/config/pretrain_config.h"

#include <algorithm>
#include <cmath>

#include "rules.h"

#include "linformer/core/error.h"

namespace linformer {
namespace {

void validate_data(const DataConfig& data) {
  if (data.train.empty()) {
    fail_usage("data.train", "names no shards",
               "give folders that linformer-data prepare wrote, e.g. [data/train]");
  }
  for (const std::string& path : data.train) require_text("data.train", path, "[data/train]");
  if (!data.train_weights.empty() && data.train_weights.size() != data.train.size()) {
    fail_usage("data.train_weights",
               "holds " + std::to_string(data.train_weights.size()) + " weights for " +
                   std::to_string(data.train.size()) + " prefixes in data.train",
               "give one for each, or leave it out");
  }
  for (const std::string& path : data.valid) require_text("data.valid", path, "[data/valid]");
}

void validate_masking_rate(const PretrainConfig& config) {
  const DataConfig& data = config.data;
  if (!data.final_mlm_probability) {
    if (data.mlm_probability_steps) {
      fail_usage("data.mlm_probability_steps", "is set, but data.final_mlm_probability is not",
                 "set both or neither");
    }
    return;
  }
  if (!data.mlm_probability_steps && !config.planned_steps()) {
    fail_usage("data.mlm_probability_steps",
               "max_hours alone does not say how many steps there are",
               "set it, or training.max_steps or max_tokens");
  }
}

void validate_length(const TrainingConfig& training) {
  if (!training.max_steps && !training.max_tokens && !training.max_hours) {
    fail_usage("training", "nothing says how long to train",
               "set training.max_steps, max_tokens or max_hours");
  }
}

}  // namespace

MaskingRate PretrainConfig::masking_rate() const {
  const double first = data.mlm_probability;
  if (!data.final_mlm_probability) return {first, first, 0};
  const int64_t steps = data.mlm_probability_steps.value_or(planned_steps().value_or(0));
  return {first, *data.final_mlm_probability, steps};
}

double PretrainConfig::evaluation_mlm_probability() const {
  return evaluation.mlm_probability.value_or(data.mlm_probability);
}

std::optional<int64_t> PretrainConfig::planned_steps() const {
  std::optional<int64_t> steps = training.max_steps;
  if (training.max_tokens) {
    const int64_t length = model.max_sequence_length;
    const int64_t by_tokens =
        batch_schedule().steps_for((*training.max_tokens + length - 1) / length);
    steps = std::min(steps.value_or(by_tokens), by_tokens);
  }
  return steps;
}

TrainerConfig PretrainConfig::trainer() const {
  TrainerConfig config{run, training, evaluation, checkpoint, logging, distributed};
  config.training.max_steps = planned_steps();
  return config;
}

void PretrainConfig::validate() const {
  require_ranges(*this, "");
  require_text("tokenizer.model", tokenizer.model, "data/tokenizer.model");
  validate_data(data);
  model.validate();
  validate_length(training);
  training.validate_batches();  // planned_steps() divides by these
  trainer().validate();
  validate_masking_rate(*this);
  if (evaluation.early_stop_patience > 0 && data.valid.empty()) {
    fail_usage("evaluation.early_stop_patience", "early stop needs held-out text",
               "name shards in data.valid, or set it to 0");
  }
}

}  // namespace linformer
