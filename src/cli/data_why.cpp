// linformer-data why: shows the text of any training step, without training.
#include <cstdio>
#include <memory>
#include <optional>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "data_commands.h"
#include "data_events.h"
#include "data_show.h"
#include "option_checks.h"
#include "program.h"

#include "linformer/config/config_file.h"
#include "linformer/config/pretrain_config.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/json_text.h"
#include "linformer/data/packed_dataset.h"

namespace linformer {

namespace {

struct WhyArguments {
  std::string config;
  std::vector<std::string> overrides;
  std::vector<std::string> data;
  std::string tokenizer;
  std::string masking;
  std::optional<int64_t> seed, max_sequence_length, global_batch_size;
  std::optional<double> mlm_probability;
  int64_t step = 0;
  bool events = false;
  bool json = false;
};

/// The settings that decide the text of a step.
struct StepSettings {
  std::string run_folder;
  std::vector<std::string> data;
  std::vector<double> weights;
  std::string tokenizer;
  uint64_t seed = 1;
  int64_t max_sequence_length = 512;
  BatchSchedule batches{256};
  MaskingRate masking_rate;
  Packing packing = Packing::kFullSentences;
  Masking masking = Masking::kToken;
};

// The limits of a configuration, low enough for products of two of them.
constexpr int64_t kMostSteps = int64_t{1} << 38;
constexpr int64_t kLargestBatch = int64_t{1} << 24;
constexpr int64_t kLongestSequence = int64_t{1} << 24;

void check_range(const std::string& option, int64_t value, int64_t low, int64_t high) {
  if (value >= low && value <= high) return;
  fail_usage(
      option, std::to_string(value) + " is too " + (value < low ? "small" : "large"),
      "give " + std::to_string(low) + " to " + std::to_string(high) +
          (option == "--step" ? ", as steps are numbered in log.jsonl" : ", as the run did"));
}

/// Settings from the configuration, if one is named, and from the flags, which take precedence.
StepSettings resolve(const WhyArguments& arguments) {
  StepSettings settings;
  if (!arguments.config.empty()) {
    const auto config = load_config<PretrainConfig>(arguments.config, arguments.overrides);
    settings = {config.run.dir,
                config.data.train,
                config.data.train_weights,
                config.tokenizer.model,
                static_cast<uint64_t>(config.run.seed),
                config.model.max_sequence_length,
                config.batch_schedule(),
                config.masking_rate(),
                config.data.packing,
                config.data.masking};
  } else if (!arguments.overrides.empty()) {
    fail_usage("--set", "there is no configuration to change", "add --config FILE");
  }
  if (!arguments.data.empty()) {
    settings.data = arguments.data;
    settings.weights.clear();
  }
  if (!arguments.masking.empty()) settings.masking = *enum_of<Masking>(arguments.masking);
  if (!arguments.tokenizer.empty()) settings.tokenizer = arguments.tokenizer;
  settings.seed =
      static_cast<uint64_t>(arguments.seed.value_or(static_cast<int64_t>(settings.seed)));
  settings.max_sequence_length =
      arguments.max_sequence_length.value_or(settings.max_sequence_length);
  check_range("--max-sequence-length", settings.max_sequence_length, 3, kLongestSequence);
  const int64_t batch_size = arguments.global_batch_size.value_or(1);
  check_range("--global-batch-size", batch_size, 1, kLargestBatch);
  if (arguments.global_batch_size) settings.batches = BatchSchedule(*arguments.global_batch_size);
  if (const auto& share = arguments.mlm_probability) settings.masking_rate = {*share, *share, 0};
  if (settings.data.empty() || settings.tokenizer.empty()) {
    fail_usage("linformer-data why", "which data and which tokenizer?",
               "add --config FILE, or --data PREFIX and --tokenizer FILE");
  }
  return settings;
}

void run_why(const WhyArguments& arguments) {
  if (arguments.events) {
    if (arguments.config.empty()) {
      fail_usage("--events", "of which run?", "add --config runs/NAME/config.yaml");
    }
    print_events(load_config<PretrainConfig>(arguments.config, arguments.overrides).run.dir,
                 arguments.json);
    return;
  }
  check_range("--step", arguments.step, 1, kMostSteps);
  const StepSettings settings = resolve(arguments);
  const Tokenizer tokenizer = Tokenizer::load(settings.tokenizer);
  const double share = settings.masking_rate.at(arguments.step - 1);
  PackedDatasetOptions options{
      {settings.max_sequence_length, settings.packing}, {.mlm_probability = share}, settings.seed};
  if (settings.masking == Masking::kWholeWord) {
    options.masking.word_starts = tokenizer.word_starts();
  }
  const auto data = PackedDataset::open(settings.data, settings.weights, tokenizer.hash(), options,
                                        DatasetCheck::kHeaders);
  const int64_t first = settings.batches.first_sequence(arguments.step - 1);
  const int64_t count = settings.batches.sequences(arguments.step - 1);
  if (!arguments.json) {
    std::printf("step %s: sequences %s to %s of the run, seed %s, %s of the tokens predicted\n",
                format_count(arguments.step).c_str(), format_count(first).c_str(),
                format_count(first + count - 1).c_str(), std::to_string(settings.seed).c_str(),
                format_number(share).c_str());
    const std::string event = event_of_step(settings.run_folder, arguments.step);
    if (!event.empty()) std::printf("%s\n", event.c_str());
  }
  for (int64_t i = 0; i < count; ++i) {
    const SampleId sample = data->batches().sample(first + i);
    const SequencePacking& packing = data->packing(sample.corpus);
    const std::vector<int32_t> ids = packing.tokens(sample.index);
    const MaskedSequence masked = data->batches().training_row(sample);
    const std::string corpus =
        data->num_corpora() > 1 ? settings.data[static_cast<size_t>(sample.corpus)] : "";
    check_output();
    if (arguments.json) {
      // One object per line, as --examples of linformer-eval reads it.
      auto row = masked_to_json(tokenizer, sample, packing.source(sample.index), ids, masked);
      if (!corpus.empty()) row["corpus"] = corpus;
      std::printf("%s\n", json_text(row).c_str());
      continue;
    }
    std::printf("\nrow %s: %ssequence %s, epoch %s; %s\n%s\n", format_count(i).c_str(),
                corpus.empty() ? "" : (corpus + ", ").c_str(), format_count(sample.index).c_str(),
                format_count(sample.epoch).c_str(),
                show_source(packing.source(sample.index), masked).c_str(),
                show_masked(tokenizer, ids, masked).c_str());
  }
}

}  // namespace

void add_why_command(CLI::App& program) {
  auto arguments = std::make_shared<WhyArguments>();
  CLI::App* command = program.add_subcommand(
      "why", "show the text and the masks of every sequence of a training step");
  command->add_option("--config", arguments->config,
                      "configuration of the run (or its config.yaml)");
  command->add_option("--set", arguments->overrides, "a.b=VALUE over the configuration");
  CLI::Option* events = command->add_flag(
      "--events", arguments->events,
      "list the run's steps that were skipped or rolled back, instead of a step's text");
  command->add_option("--step", arguments->step, "optimizer step, from 1, as in log.jsonl")
      ->excludes(events);
  command->add_option("--data", arguments->data, "prefixes of shards, instead of data.train");
  command->add_option("--tokenizer", arguments->tokenizer, "instead of tokenizer.model");
  command->add_option("--seed", arguments->seed, "instead of run.seed");
  command->add_option("--max-sequence-length", arguments->max_sequence_length,
                      "instead of model.max_sequence_length");
  command->add_option("--global-batch-size", arguments->global_batch_size,
                      "instead of training.global_batch_size");
  command->add_option("--mlm-probability", arguments->mlm_probability,
                      "instead of data.mlm_probability");
  command->add_option("--masking", arguments->masking, "instead of data.masking")
      ->check(takes_one_of({"token", "whole_word"}));
  command->add_flag("--json", arguments->json, "print a JSON object per sequence and line");
  add_examples(*command,
               {"linformer-data why --config runs/NAME/config.yaml --step 1200",
                "linformer-data why --config runs/NAME/config.yaml --events",
                "linformer-data why --data data/corpus/train --step 1 --global-batch-size 8 \\",
                "    --tokenizer data/corpus/tokenizer.model"});
  command->callback([arguments] { run_why(*arguments); });
}

}  // namespace linformer
