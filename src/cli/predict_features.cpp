// linformer-predict features: hidden states and logits of given rows.
#include <cstdio>
#include <memory>

#include <CLI/CLI.hpp>

#include "compute_options.h"
#include "option_checks.h"
#include "predict_commands.h"
#include "program.h"

#include "linformer/analysis/feature_extraction.h"
#include "linformer/checkpoint/find_model.h"
#include "linformer/core/format.h"
#include "linformer/core/log.h"
#include "linformer/core/stop_signal.h"
#include "linformer/models/model_folder.h"
#include "linformer/models/model_tokenizer.h"
#include "linformer/report/progress.h"
#include "linformer/text/byte_source.h"
#include "linformer/text/tokenizer.h"

namespace linformer {

namespace {

struct FeatureArguments {
  std::string checkpoint;
  std::string input;
  std::string output;
  int64_t batch_size = 8;
  ComputeOptions compute;
  PredictionPrecision precision = PredictionPrecision::kFp32;
};

void run_features(const FeatureArguments& arguments) {
  const Computing computing = start_computing(arguments.compute);
  const PredictionScope precision(arguments.precision, computing.device);
  const std::string folder = find_model_folder(arguments.checkpoint);
  const std::unique_ptr<Model> loaded = load_model(folder, computing.device);
  const Model& model = *loaded;
  const ModelConfig& config = model.config();
  const std::optional<Tokenizer> tokenizer = find_tokenizer(folder, config);
  const InputLimits limits{config.vocab_size, config.max_sequence_length, config.type_vocab_size};
  const InputRows input =
      read_input_rows(arguments.input, limits, tokenizer ? &*tokenizer : nullptr);
  if (input.num_repaired > 0) {
    log_warning(input_name(arguments.input) + ": not valid UTF-8; " +
                format_count(input.num_repaired) + " places were replaced by U+FFFD");
  }
  make_parent_directory(arguments.output);
  defer_stop_signals();  // no partial file remains
  WorkProgress progress("computing", static_cast<int64_t>(input.rows.size()), "rows");
  const FeatureSummary summary =
      write_features(model, input.rows, arguments.batch_size, arguments.output,
                     [&progress](int64_t rows) { progress.update(rows); });
  progress.clear();
  if (summary.num_rows == 0) return;  // after a signal: no partial result
  std::printf("%s: hidden_states.0 to .%lld (%lld, %lld, %lld) and logits\n",
              arguments.output.c_str(), static_cast<long long>(summary.num_states - 1),
              static_cast<long long>(summary.num_rows), static_cast<long long>(summary.length),
              static_cast<long long>(config.hidden_size));
}

}  // namespace

void add_features_command(CLI::App& program) {
  auto arguments = std::make_shared<FeatureArguments>();
  CLI::App* command = program.add_subcommand(
      "features", "hidden states of every layer and logits, to compare with other programs");
  command
      ->add_option(
          "--checkpoint", arguments->checkpoint,
          "model folder, or a run folder (its newest checkpoint; of a fine-tuned run its best)")
      ->required();
  command
      ->add_option("--input", arguments->input,
                   "JSON lines (plain, .zst, .gz, -) with input_ids (and attention_mask, "
                   "token_type_ids), or text (and text_pair)")
      ->required();
  command->add_option("--output", arguments->output, "safetensors file to write")->required();
  command->add_option("--batch-size", arguments->batch_size, "rows at a time")
      ->check(takes_above_zero())
      ->capture_default_str();
  add_compute_options(*command, arguments->compute);
  add_precision_option(*command, arguments->precision);
  add_examples(*command,
               {"linformer-predict features --checkpoint runs/sample --input rows.jsonl --output "
                "features.safetensors"});
  command->callback([arguments] { run_features(*arguments); });
}

}  // namespace linformer
