#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "linformer/config/fields.h"
#include "linformer/config/finetune_recipe.h"
#include "linformer/config/model_config.h"
#include "linformer/config/trainer_config.h"
#include "linformer/config/truncation.h"

namespace linformer {

enum class Protocol { kTask, kGlobal };
enum class StartingWeights { kPretrained, kRandom };

template <>
struct EnumNames<Protocol> {
  static constexpr std::array<std::string_view, 2> kNames{"task", "global"};
};
template <>
struct EnumNames<StartingWeights> {
  static constexpr std::array<std::string_view, 2> kNames{"pretrained", "random"};
};

/// What a fine-tuning run learns from, and what it is measured on.
struct TaskConfig {
  std::string name;
  std::string data;
  std::vector<std::string> train, valid, test;
  std::string text_column, text_pair_column, label_column, id_column;
  bool header = true;
  std::vector<std::string> labels;
  bool regression = false;
  double valid_share = 0.1;
  int64_t folds = 0;
  int64_t fold = 0;
  int64_t split_seed = 1;
  int64_t max_train_rows = 0;
  double max_bad_share = 0.001;

  template <class Self, class Visitor>
  static void visit_fields(Self& config, Visitor&& field) {
    field("name", config.name,
          "a known task (--help names them), or a name of your own with text_column and "
          "label_column");
    field("data", config.data,
          "folder with the task's files as they are distributed, or the folder above it");
    field("train", config.train, "training files; [] = those found in data");
    field("valid", config.valid,
          "labelled files that choose the best epoch; [] = those found in data, else a part of "
          "train");
    field("test", config.test,
          "files to predict at the end; [] = those found in data, if any; [none] = no file");
    field("text_column", config.text_column, "column of the text in your own files");
    field("text_pair_column", config.text_pair_column,
          "column of the second text, if there is one");
    field("label_column", config.label_column, "column of the label or score in your own files");
    field("id_column", config.id_column,
          "column that names a row in predictions; \"\" = rows are numbered");
    field("header", config.header,
          "false: your own files have no header, and columns are numbers from 0");
    field("labels", config.labels,
          "label names in the order of the model's outputs; [] = all labels in train, sorted");
    field("regression", config.regression, "true: the labels of your own files are scores");
    field("valid_share", config.valid_share,
          "share of train that is held out if there are no files for valid", positive().below(1.0));
    field("folds", config.folds,
          "k of a k-fold cross-validation over train instead of valid; 0 = none",
          between(2, 1000).or_zero());
    field("fold", config.fold, "the fold that is held out, from 0", between(0, 999));
    field("split_seed", config.split_seed, "seed of the part that is held out, and of the folds",
          at_least(0));
    field("max_train_rows", config.max_train_rows,
          "number of training rows, drawn with split_seed; 0 = all", at_least(0));
    field("max_bad_share", config.max_bad_share,
          "largest share of unreadable rows; they are counted and named, and a larger share ends "
          "the run",
          share());
  }
  /// Whether sets are predicted at the end, i.e. `test` is not [none].
  bool has_test() const { return test != std::vector<std::string>{"none"}; }

  bool operator==(const TaskConfig&) const = default;
};

/// How texts become sequences.
struct InputConfig {
  int64_t max_length = 0;
  Truncation truncation = Truncation::kHead;

  template <class Self, class Visitor>
  static void visit_fields(Self& config, Visitor&& field) {
    field("max_length", config.max_length,
          "tokens of the longest sequence, special ones included; 0 = as many as the model takes",
          between(8, kLargestSize).or_zero());
    field("truncation", config.truncation,
          "what is kept of longer texts: head, tail, or head_tail (a quarter from the beginning, "
          "the rest from the end); of pairs the longer text is shortened first");
  }
  bool operator==(const InputConfig&) const = default;
};

/// Settings of fine-tuning that pre-training does not have.
struct FinetuneSettings {
  Protocol protocol = Protocol::kTask;
  double epochs = 10.0;
  int64_t evaluations_per_epoch = 1;
  StartingWeights weights = StartingWeights::kPretrained;
  ClassifierPooling pooling = ClassifierPooling::kCls;
  bool segment_embeddings = false;
  double layer_decay = 1.0;
  double head_learning_rate = 1.0;
  int64_t reinit_layers = 0;
  std::optional<double> dropout;

  template <class Self, class Visitor>
  static void visit_fields(Self& config, Visitor&& field) {
    field("protocol", config.protocol,
          "where the defaults of training come from; task: RoBERTa's fine-tuning table, a row for "
          "each task; global: one setting for all");
    field("epochs", config.epochs, "passes over train; training.max_steps, if set, overrules it",
          positive().up_to(1e6));
    field("evaluations_per_epoch", config.evaluations_per_epoch,
          "evaluations on valid; 0 = every evaluation.every steps", between(0, 10000));
    field(
        "weights", config.weights,
        "pretrained: those of run.init_from; random: only its shape and tokenizer, as a baseline");
    field("pooling", config.pooling,
          "input of the head: cls, the first token (RoBERTa's); mean, the mean over all tokens; "
          "pair_mean, for pairs the mean of each text, their distance and product, else the mean");
    field("segment_embeddings", config.segment_embeddings,
          "true: a model without them gets segment embeddings (BERT's token_type_ids), which tell "
          "the texts of a pair apart");
    field("layer_decay", config.layer_decay,
          "each layer's learning rate is this times that of the layer above it; 1 = all the same",
          positive().up_to(1.0));
    field("head_learning_rate", config.head_learning_rate,
          "multiplies the learning rate of the new head", positive());
    field("reinit_layers", config.reinit_layers,
          "number of layers from the top that start anew, like the head", between(0, 10000));
    field("dropout", config.dropout,
          "dropout in the encoder, its attention and the head; null = as the model has it",
          share());
  }
  bool operator==(const FinetuneSettings&) const = default;
};

/// Everything that `linformer-finetune --config` reads (docs/finetuning.md).
struct FinetuneConfig {
  RunConfig run;
  TaskConfig task;
  InputConfig input;
  FinetuneSettings finetune;
  TrainingConfig training;
  EvaluationConfig evaluation;
  CheckpointConfig checkpoint;
  LoggingConfig logging;
  DistributedConfig distributed;

  template <class Self, class Visitor>
  static void visit_fields(Self& config, Visitor&& field) {
    field("run", config.run, "the run; init_from is the model to fine-tune");
    field("task", config.task, "what is learned");
    field("input", config.input, "how texts become sequences");
    field("finetune", config.finetune, "length of the run, what starts anew, rates of layers");
    field("training", config.training, "batches, learning rate, optimizer");
    field("evaluation", config.evaluation, "when the task's metric is measured on valid");
    field("checkpoint", config.checkpoint, "saving and resuming");
    field("logging", config.logging, "log lines");
    field("distributed", config.distributed, "several processes");
  }

  /// The trainer's configuration for a training set of this many rows: steps of all epochs, steps
  /// between evaluations.
  TrainerConfig trainer(int64_t num_rows) const;

  /// Ranges of the fields and rules between them; throws UsageError that names the key.
  void validate() const;

  bool operator==(const FinetuneConfig&) const = default;
};

/// Defaults for a task under a protocol. RoBERTa's (fairseq, examples/roberta/README.glue.md): 10
/// epochs, AdamW with betas 0.9 and 0.98, weight decay 0.1, no clipping, linear decay. The task's
/// recipe says the rest; the global protocol has one recipe for all, except for the folds.
FinetuneConfig finetune_defaults(const std::string& task, Protocol protocol,
                                 const FinetuneRecipe& recipe);

/// A configuration from a YAML file (none if `path` is empty) and `--set` arguments, over the
/// defaults of the task and protocol that they name. Throws UsageError.
FinetuneConfig load_finetune_config(const std::string& path,
                                    const std::vector<std::string>& overrides,
                                    const RecipeOf& recipe_of);

}  // namespace linformer
