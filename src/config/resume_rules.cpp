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
      {ResumeRule::kRefuse, "other masks or other sequences", {"data.*"}},
      {ResumeRule::kRefuse, kOtherModel, {"model.*"}},
      {ResumeRule::kRefuse,
       kOtherStart,
       {"model.initializer_range", "model.position_init", "model.attention.init"}},
      {ResumeRule::kWarn,
       kOtherDropout,
       {"model.hidden_dropout_prob", "model.attention_probs_dropout_prob"}},
      {ResumeRule::kWarn,
       "dropout is drawn for each micro-batch, so it differs from here on",
       {"training.micro_batch_size"}},
      {ResumeRule::kHeldOut, "held-out text is measured in another way", {"evaluation.*"}},
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
       {"task.*", "input.*"}},
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
      {ResumeRule::kWarn, kOtherUpdates, {"finetune.*"}},
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
        "training.schedule.*"}},
      {ResumeRule::kWarnRate,
       "the order of the data stays the same, but each step takes other sequences",
       {"training.global_batch_size", "training.batch_ramp.*"}},
      {ResumeRule::kWarn, kOtherUpdates, {"training.*"}},
      {ResumeRule::kWarn, "other steps may be skipped from here on", {"training.guard.*"}},
      {ResumeRule::kWarn,
       "numbers are rounded differently from here on",
       {"training.precision", "training.loss_scale.*"}},
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
       {"run.*", "training.activation_checkpointing", "training.step_graph",
        "evaluation.micro_batch_size", "distributed.*"}},
      {ResumeRule::kApply,
       "when the run stops, measures, saves and logs; the steps stay the same",
       {"training.max_hours", "training.session_hours", "evaluation.every", "checkpoint.*",
        "logging.*"}},
  };
  return groups;
}

const ResumeGroup& resume_group(RunKind kind, const std::string& key) {
  // The key itself, then the sections around it from the inside out.
  std::string pattern = key;
  for (size_t dot = key.size(); dot != std::string::npos; dot = key.rfind('.', dot - 1)) {
    if (dot < key.size()) pattern = key.substr(0, dot) + ".*";
    for (const std::vector<ResumeGroup>* groups :
         {&own_resume_groups(kind), &common_resume_groups()}) {
      for (const ResumeGroup& group : *groups) {
        if (std::find(group.keys.begin(), group.keys.end(), pattern) != group.keys.end()) {
          return group;
        }
      }
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
