#include "model_check.h"

#include "linformer/config/config_file.h"
#include "linformer/nn/model_cost.h"

namespace linformer {

std::string model_difference(ModelConfig wanted, ModelConfig saved) {
  wanted.initializer_range = saved.initializer_range;  // how it started no longer matters
  wanted.position_init = saved.position_init;
  wanted.attention.init = saved.attention.init;
  wanted.hidden_dropout_prob = saved.hidden_dropout_prob;
  wanted.attention_probs_dropout_prob = saved.attention_probs_dropout_prob;
  return first_difference(fields_of(wanted), fields_of(saved));
}

const ModelConfig& trainable(const ModelConfig& model, c10::Device device,
                             const DistributedConfig& distributed, int64_t num_sequences) {
  // A sharded optimizer leaves most moments to other processes.
  const double bytes_each = distributed.shard_optimizer ? 2.0 * kWeightBytes : kTrainingBytes;
  if (device.is_cpu()) check_memory(model, bytes_each, num_sequences);
  return model;
}

}  // namespace linformer
