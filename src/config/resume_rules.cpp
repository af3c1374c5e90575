#include "linformer/config/resume_rules.h"

#include <algorithm>
#include <stdexcept>

#include "scalar.h"

#include "linformer/config/config_file.h"

namespace linformer {
namespace {

constexpr std::string_view kOtherModel = "another model";
constexpr std::string_view kOtherStart = "it only sets the starting values of the weights";
constexpr std::string_view kOtherUpdates = "updates differ from here on";
constexpr std::string_view kOtherDropout = "dropout differs from here on";

void collect(RunKind kind, const FieldList& fields, const std::string& prefix, Settings& settings) {
  for (const Field& field : fields) {
    const std::string key = prefix + field.name;
    if (const auto* section = std::get_if<FieldList>(&field.target)) {
      collect(kind, *section, key + ".", settings);
      continue;
    }
    const ResumeRule rule = resume_group(kind, key).rule;
    if (rule == ResumeRule::kApply || rule == ResumeRule::kContent) continue;
    settings[key] = yaml_of(field.target);
  }
}

const std::vector<ResumeGroup>& pretraining_groups() {
  static const std::vector<ResumeGroup> groups{
      {ResumeRule::kContent,
       "tokens and shares are compared; other training data are refused",
       {"tokenizer.model", "data.train", "data.train_weights"}},
      {ResumeRule::kContent,
       "tokens are compared; if they differ, a warning says so and the best score is forgotten",
       {"data.valid"}},
      {ResumeRule::kRefuse,
       "other masks or other sequences",
       {"data.packing", "data.masking", "data.mlm_probability", "data.final_mlm_probability",
        "data.mlm_probability_steps"}},
      {ResumeRule::kRefuse,
       kOtherModel,
       {"model.vocab_size",
        "model.hidden_size",
        "model.num_hidden_layers",
        "model.num_attention_heads",
        "model.intermediate_size",
        "model.hidden_act",
        "model.max_sequence_length",
        "model.layer_norm_eps",
        "model.norm_position",
        "model.norm_type",
        "model.type_vocab_size",
        "model.position_embedding",
        "model.tie_word_embeddings",
        "model.attention.type",
        "model.attention.projected_length",
        "model.attention.projection",
        "model.attention.sharing",
        "model.attention.order",
        "model.attention.convolution_mixing",
        "model.attention.value_convolution",
        "model.attention.attention_window",
        "model.attention.rescale_padding",
        "model.attention.train_projection"}},
      {ResumeRule::kRefuse,
       kOtherStart,
       {"model.initializer_range", "model.position_init", "model.attention.init"}},
      {ResumeRule::kWarn,
       kOtherDropout,
       {"model.hidden_dropout_prob", "model.attention_probs_dropout_prob"}},
      {ResumeRule::kWarn,
       "dropout is drawn for each micro-batch, so it differs from here on",
       {"training.micro_batch_size"}},
      {ResumeRule::kHeldOut,
       "held-out text is measured in another way",
       {"evaluation.max_sequences", "evaluation.mask_seed", "evaluation.mlm_probability"}},
      {ResumeRule::kApply,
       "how batches are prepared",
       {"data.prefetch_batches", "data.loader_threads"}},
  };
  return groups;
}

const std::vector<ResumeGroup>& finetuning_groups() {
  static const std::vector<ResumeGroup> groups{
      {ResumeRule::kContent,
       "encoded rows and labels are compared; other training data are refused",
       {"task.data", "task.train", "task.text_column", "task.text_pair_column", "task.label_column",
        "task.header", "task.labels", "task.valid_share", "task.folds", "task.fold",
        "task.split_seed", "task.max_train_rows", "task.max_bad_share", "input.max_length",
        "input.truncation"}},
      {ResumeRule::kContent,
       "encoded rows are compared; if they differ, a warning says so and the best score is "
       "forgotten",
       {"task.valid"}},
      {ResumeRule::kRefuse, "another task", {"task.name", "task.regression"}},
      {ResumeRule::kRefuse, kOtherModel, {"finetune.pooling", "finetune.segment_embeddings"}},
      {ResumeRule::kRefuse, kOtherStart, {"finetune.weights", "finetune.reinit_layers"}},
      {ResumeRule::kRefuse,
       "rows of similar length share a micro-batch, so it decides the order of the data",
       {"training.micro_batch_size"}},
      {ResumeRule::kWarn, kOtherDropout, {"finetune.dropout"}},
      {ResumeRule::kWarn, kOtherUpdates, {"finetune.layer_decay", "finetune.head_learning_rate"}},
      {ResumeRule::kWarn, "the result names the protocol", {"finetune.protocol"}},
      {ResumeRule::kWarnRate,
       "the schedule is computed again over the whole run",
       {"finetune.epochs"}},
      {ResumeRule::kApply,
       "what is predicted at the end, and when the model is measured",
       {"task.test", "task.id_column", "finetune.evaluations_per_epoch"}},
      {ResumeRule::kApply, "fine-tuning measures every row", {"evaluation.max_sequences"}},
  };
  return groups;
}

}  // namespace

const std::vector<ResumeGroup>& own_resume_groups(RunKind kind) {
  return kind == RunKind::kPretraining ? pretraining_groups() : finetuning_groups();
}

const std::vector<ResumeGroup>& common_resume_groups() {
  static const std::vector<ResumeGroup> groups{
      {ResumeRule::kRefuse,
       "it decides the order of the data, the masks and dropout",
       {"run.seed"}},
      {ResumeRule::kRefuse,
       "the moments of one optimizer are meaningless to another",
       {"training.optimizer.type"}},
      {ResumeRule::kRefuse, "such a run has no checkpoints", {"training.overfit_one_batch"}},
      {ResumeRule::kWarn, "a resumed run takes its weights from its checkpoint", {"run.init_from"}},
      {ResumeRule::kWarnRate,
       "the schedule is computed again over the whole run",
       {"training.max_steps", "training.max_tokens", "training.learning_rate",
        "training.schedule.type", "training.schedule.warmup_steps",
        "training.schedule.warmup_share", "training.schedule.final_learning_rate",
        "training.schedule.power"}},
      {ResumeRule::kWarnRate,
       "the order of the data stays the same, but each step takes other sequences",
       {"training.global_batch_size", "training.batch_ramp.start", "training.batch_ramp.steps"}},
      {ResumeRule::kWarn,
       kOtherUpdates,
       {"training.optimizer.betas", "training.optimizer.eps", "training.optimizer.weight_decay",
        "training.optimizer.projection_weight_decay", "training.optimizer.projection_learning_rate",
        "training.optimizer.max_grad_norm", "training.optimizer.decay_biases_and_norms"}},
      {ResumeRule::kWarn,
       "other steps may be skipped from here on",
       {"training.guard.max_skipped_steps", "training.guard.max_rollbacks",
        "training.guard.skip_before", "training.guard.spike_zscore",
        "training.guard.spike_window"}},
      {ResumeRule::kWarn,
       "numbers are rounded differently from here on",
       {"training.precision", "training.loss_scale.initial", "training.loss_scale.growth_factor",
        "training.loss_scale.growth_interval", "training.loss_scale.backoff_factor",
        "training.loss_scale.minimum"}},
      {ResumeRule::kWarn,
       "the average continues with the new decay; a new average starts from the checkpoint's "
       "weights",
       {"training.ema_decay"}},
      {ResumeRule::kWarn,
       "the run may end at another step, and its best step may change",
       {"evaluation.early_stop_patience", "evaluation.early_stop_min_delta"}},
      {ResumeRule::kApply, "a run folder may be moved", {"run.dir"}},
      {ResumeRule::kApply,
       "where and in what pieces the same numbers are computed; they are equal up to rounding",
       {"run.threads", "run.device", "training.activation_checkpointing",
        "evaluation.micro_batch_size", "distributed.backend", "distributed.timeout_seconds",
        "distributed.bucket_megabytes", "distributed.shard_optimizer"}},
      {ResumeRule::kApply,
       "when the run stops, measures, saves and logs; the steps stay the same",
       {"training.max_hours", "training.session_hours", "evaluation.every", "checkpoint.every",
        "checkpoint.keep_last", "checkpoint.keep_every", "checkpoint.keep_best",
        "checkpoint.background", "checkpoint.save_before_seconds", "checkpoint.resume",
        "logging.every", "logging.tensorboard", "logging.statistics_every",
        "logging.profile.first_step", "logging.profile.steps"}},
  };
  return groups;
}

const ResumeGroup& resume_group(RunKind kind, const std::string& key) {
  for (const std::vector<ResumeGroup>* groups :
       {&own_resume_groups(kind), &common_resume_groups()}) {
    for (const ResumeGroup& group : *groups) {
      if (std::find(group.keys.begin(), group.keys.end(), key) != group.keys.end()) return group;
    }
  }
  throw std::logic_error("no rule says what happens to " + key + " when a run is resumed");
}

Settings compared_settings(RunKind kind, const FieldList& fields) {
  Settings settings;
  collect(kind, fields, "", settings);
  return settings;
}

void apply_settings(const FieldList& fields, const Settings& settings) {
  for (const auto& [key, value] : settings) apply_override(fields, key + "=" + value);
}

std::vector<SettingChange> changed_settings(RunKind kind, const Settings& before,
                                            const Settings& now) {
  std::vector<SettingChange> changes;
  for (const auto& [key, value] : now) {
    const auto found = before.find(key);
    if (found == before.end() || found->second == value) continue;
    const ResumeGroup& group = resume_group(kind, key);
    changes.push_back({key, found->second, value, group.rule, group.why});
  }
  return changes;
}

}  // namespace linformer
