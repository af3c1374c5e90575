#include "linformer/objectives/one_batch.h"

#include "linformer/core/format.h"
#include "linformer/core/log.h"

namespace linformer {

PretrainConfig one_batch_config(PretrainConfig config) {
  if (!config.training.overfit_one_batch) return config;
  config.training.batch_ramp = {};
  config.data.final_mlm_probability.reset();
  config.data.mlm_probability_steps.reset();
  config.data.valid.clear();
  config.model.hidden_dropout_prob = 0.0;
  config.model.attention_probs_dropout_prob = 0.0;
  config.evaluation.early_stop_patience = 0;
  config.training.ema_decay.reset();
  log_info("training.overfit_one_batch: every step takes the first " +
           format_count(config.training.global_batch_size) +
           " sequences, without dropout; nothing is evaluated or saved, the loss has to fall "
           "towards 0");
  return config;
}

}  // namespace linformer
