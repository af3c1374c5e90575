#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "linformer/config/fields.h"
#include "linformer/config/masking_rate.h"
#include "linformer/config/model_config.h"
#include "linformer/config/trainer_config.h"

namespace linformer {

enum class Packing { kFullSentences };
enum class Masking { kToken, kWholeWord };

template <>
struct EnumNames<Packing> {
  static constexpr std::array<std::string_view, 1> kNames{"full_sentences"};
};
template <>
struct EnumNames<Masking> {
  static constexpr std::array<std::string_view, 2> kNames{"token", "whole_word"};
};

struct TokenizerConfig {
  std::string model;

  template <class Self, class Visitor>
  static void visit_fields(Self& config, Visitor&& field) {
    field("model", config.model, "SentencePiece model file; copied into each checkpoint");
  }
  bool operator==(const TokenizerConfig&) const = default;
};

struct DataConfig {
  std::vector<std::string> train;
  std::vector<double> train_weights;
  std::vector<std::string> valid;
  Packing packing = Packing::kFullSentences;
  Masking masking = Masking::kToken;
  double mlm_probability = 0.15;
  std::optional<double> final_mlm_probability;
  std::optional<int64_t> mlm_probability_steps;
  int64_t prefetch_batches = 8;
  int64_t loader_threads = 1;

  template <class Self, class Visitor>
  static void visit_fields(Self& config, Visitor&& field) {
    field("train", config.train,
          "prefixes of token shards to learn from, e.g. data/wikitext2/train");
    field("train_weights", config.train_weights,
          "shares of the sequences that come from each prefix of train, e.g. [0.7, 0.3]; [] = all "
          "prefixes are one corpus",
          positive());
    field("valid", config.valid, "prefixes of token shards held out; [] = no evaluation");
    field("packing", config.packing,
          "full_sentences: whole sentences up to n tokens, across documents (RoBERTa's)");
    field("masking", config.masking,
          "what is predicted in training: token, or whole_word (all pieces of a word or none); "
          "evaluations predict tokens");
    field("mlm_probability", config.mlm_probability,
          "share of tokens to predict (80 % masked, 10 % random, 10 % kept)",
          positive().below(1.0));
    field("final_mlm_probability", config.final_mlm_probability,
          "mlm_probability changes linearly to this over the steps; null = it stays constant",
          positive().below(1.0));
    field("mlm_probability_steps", config.mlm_probability_steps,
          "steps until final_mlm_probability is reached; null = all steps of the run",
          between(1, kLargestStep));
    field("prefetch_batches", config.prefetch_batches, "micro-batches prepared ahead of the step",
          between(1, 100000));
    field("loader_threads", config.loader_threads, "threads that prepare micro-batches",
          between(1, kLargestThreadCount));
  }

  bool operator==(const DataConfig&) const = default;
};

/// Held-out masked-LM loss, with the same masks in every evaluation.
struct MaskedEvaluationConfig : EvaluationConfig {
  int64_t mask_seed = 7;
  std::optional<double> mlm_probability;

  template <class Self, class Visitor>
  static void visit_fields(Self& config, Visitor&& field) {
    EvaluationConfig::visit_fields(config, field);
    field("mask_seed", config.mask_seed, "seed of the frozen validation masks", at_least(0));
    field("mlm_probability", config.mlm_probability,
          "share of held-out tokens to predict, the same in every evaluation; null = "
          "data.mlm_probability",
          positive().below(1.0));
  }
  bool operator==(const MaskedEvaluationConfig&) const = default;
};

/// Everything that `linformer-train --config` reads (docs/configuration.md).
struct PretrainConfig {
  RunConfig run;
  TokenizerConfig tokenizer;
  DataConfig data;
  ModelConfig model;
  TrainingConfig training;
  MaskedEvaluationConfig evaluation;
  CheckpointConfig checkpoint;
  LoggingConfig logging;
  DistributedConfig distributed;

  template <class Self, class Visitor>
  static void visit_fields(Self& config, Visitor&& field) {
    field("run", config.run, "the run");
    field("tokenizer", config.tokenizer, "the tokenizer");
    field("data", config.data, "what is read, how it is packed and masked");
    field("model", config.model, "the encoder");
    field("training", config.training, "length, batches, learning rate, optimizer");
    field("evaluation", config.evaluation, "held-out perplexity during training");
    field("checkpoint", config.checkpoint, "saving and resuming");
    field("logging", config.logging, "log lines");
    field("distributed", config.distributed, "several processes");
  }

  /// Sequences of each step.
  BatchSchedule batch_schedule() const { return training.batch_schedule(); }
  /// Share of tokens to predict in each step.
  MaskingRate masking_rate() const;
  double evaluation_mlm_probability() const;
  /// Tokens of one optimizer step after the ramp, padding included.
  int64_t tokens_per_step() const { return training.global_batch_size * model.max_sequence_length; }
  /// Steps that max_steps and max_tokens allow (the lower of the two); nothing if only max_hours is
  /// set.
  std::optional<int64_t> planned_steps() const;
  int64_t resolved_warmup_steps() const { return trainer().resolved_warmup_steps(); }
  /// Sequences per forward pass of an evaluation.
  int64_t evaluation_batch_size() const { return trainer().evaluation_batch_size(); }
  /// What the trainer has to know, with max_steps resolved.
  TrainerConfig trainer() const;

  /// Ranges of the fields and rules between them; throws UsageError that names the key.
  void validate() const;

  bool operator==(const PretrainConfig&) const = default;
};

/// Warnings, a sentence each, about settings that are allowed but look like a mistake.
std::vector<std::string> lint(const PretrainConfig& config);

}  // namespace linformer
