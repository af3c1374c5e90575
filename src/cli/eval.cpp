// linformer-eval: the program, and its command perplexity for held-out text.
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "compute_options.h"
#include "data_inputs.h"
#include "eval_commands.h"
#include "eval_groups.h"
#include "eval_text.h"
#include "option_checks.h"
#include "programs.h"
#include "table_output.h"

#include "linformer/analysis/finite_outputs.h"
#include "linformer/checkpoint/find_model.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/json_text.h"
#include "linformer/core/stop_signal.h"
#include "linformer/data/examples.h"
#include "linformer/data/text_dataset.h"
#include "linformer/metrics/percent.h"
#include "linformer/models/model_folder.h"
#include "linformer/models/model_tokenizer.h"
#include "linformer/objectives/evaluator.h"
#include "linformer/objectives/pretraining_data.h"
#include "linformer/report/progress.h"

namespace linformer {

namespace {

struct PerplexityArguments {
  std::string checkpoint;
  HeldOutText text;
  std::string examples;
  uint64_t mask_seed = 7;
  double mlm_probability = 0.15;
  int64_t max_sequence_length = 0;
  int64_t max_sequences = 0;
  int64_t batch_size = 8;
  ComputeOptions compute;
  PredictionPrecision precision = PredictionPrecision::kFp32;
  std::vector<std::string> by;
  bool ema = false;
  bool json = false;
};

/// A result and the data it was measured on.
struct Measured {
  EvaluationResult result;
  int64_t num_tokens = 0;  // 0 for ready-made examples
  int64_t text_bytes = 0;
  std::vector<TextLayout> layouts;  // of text files
  std::vector<LossTable> tables;    // of --by
  std::optional<double> accuracy;   // with --by
};

Measured measure_data(PerplexityArguments& arguments, const std::string& folder, const Model& model,
                      const UnigramModel* unigram, LossGroups* groups, int threads) {
  const ModelConfig& config = model.config();
  const Tokenizer tokenizer = load_tokenizer(folder, config);
  const int64_t length = sequence_length(arguments.max_sequence_length, config.max_sequence_length);
  TextDataset text = arguments.text.open(tokenizer, threads);
  const PackedDataset packed(std::move(text.dataset), length, arguments.mlm_probability,
                             /*seed=*/0);
  Measured measured;
  measured.layouts = std::move(text.layouts);
  WorkProgress progress("measuring", 0, "sequences");
  EvaluationOptions options{arguments.mask_seed, arguments.batch_size, arguments.max_sequences};
  options.progress = [&progress](int64_t done, int64_t of) { progress.update(done, of); };
  measured.result = evaluate_dataset(model, packed.batches(), options, unigram, groups);
  measured.num_tokens = packed.dataset().num_tokens();
  measured.text_bytes = packed.dataset().text_bytes();
  return measured;
}

Measured measure_examples(const PerplexityArguments& arguments, const Model& model,
                          const UnigramModel* unigram, LossGroups* groups) {
  ExampleReader reader(arguments.examples, model.config().vocab_size,
                       model.config().max_sequence_length);
  Measured measured;
  WorkProgress progress("measuring", 0, "rows");
  int64_t done = 0;
  const auto next = [&] {
    std::optional<Batch> batch = reader.next(arguments.batch_size);
    progress.update(done);
    if (batch) done += batch->num_sequences;
    return batch;
  };
  measured.result = evaluate_batches(model, next, unigram, groups);
  return measured;
}

nlohmann::ordered_json to_json(const Measured& measured, const PerplexityArguments& arguments) {
  using Json = nlohmann::ordered_json;
  const NllTotals& totals = measured.result.model;
  const bool from_text = measured.text_bytes > 0;
  Json json{{"perplexity", totals.perplexity()},
            {"accuracy", nullptr},
            {"nll_sum", totals.nll_sum},
            {"masked_tokens", totals.masked_tokens},
            {"bits_per_byte", nullptr},
            {"mask_seed", nullptr},
            {"unigram_perplexity", nullptr},
            {"unigram_nll_sum", nullptr},
            {"sequences", measured.result.num_sequences}};
  if (from_text) {
    json["bits_per_byte"] = bits_per_byte(totals, measured.num_tokens, measured.text_bytes);
    json["mask_seed"] = arguments.mask_seed;
    json["mlm_probability"] = arguments.mlm_probability;
    json["tokens"] = measured.num_tokens;
    json["text_bytes"] = measured.text_bytes;
  }
  if (arguments.precision != PredictionPrecision::kFp32) {
    json["precision"] = name_of(arguments.precision);
  }
  if (measured.accuracy) json["accuracy"] = *measured.accuracy;
  if (!measured.layouts.empty()) {
    json["inputs"] = layouts_json(arguments.text.data.paths, measured.layouts);
  }
  if (measured.result.unigram) {
    json["unigram_perplexity"] = measured.result.unigram->perplexity();
    json["unigram_nll_sum"] = measured.result.unigram->nll_sum;
  }
  if (!measured.tables.empty()) json["by"] = loss_tables_json(measured.tables);
  return json;
}

void print_table(const Measured& measured, const PerplexityArguments& arguments) {
  const NllTotals& totals = measured.result.model;
  std::vector<std::vector<std::string>> rows{{"", "perplexity", "nats a token", "bits per byte"}};
  const auto add = [&](const std::string& name, const NllTotals& row) {
    rows.push_back(
        {name, format_number(row.perplexity(), 5), format_number(row.mean(), 5),
         measured.text_bytes > 0
             ? format_number(bits_per_byte(row, measured.num_tokens, measured.text_bytes), 5)
             : "-"});
  };
  add("model", totals);
  if (measured.result.unigram) add("unigram", *measured.result.unigram);
  if (measured.accuracy) {
    for (std::vector<std::string>& row : rows) row.emplace_back("-");
    rows[0].back() = "accuracy";
    rows[1].back() = percent_text(*measured.accuracy, 1);
  }
  std::printf("%s%s masked tokens in %s sequences\n", shown_table(rows).c_str(),
              format_count(totals.masked_tokens).c_str(),
              format_count(measured.result.num_sequences).c_str());
  for (const auto& row : layout_rows(layouts_json(arguments.text.data.paths, measured.layouts))) {
    std::printf("%s: %s\n", row[0].c_str(), row[1].c_str());
  }
  print_loss_tables(measured.tables);
}

void run_perplexity(PerplexityArguments& arguments) {
  if (arguments.text.data.paths.empty() == arguments.examples.empty()) {
    fail_usage("linformer-eval perplexity", "needs either --data or --examples",
               "name held-out text, or a file of ready-made examples");
  }
  const Computing computing = start_computing(arguments.compute);
  const PredictionScope precision(arguments.precision, computing.device);
  const std::string folder = find_model_folder(arguments.checkpoint);
  const auto model = load_masked_lm(folder, computing.device);
  if (arguments.ema) load_averaged_weights(folder, model->parameters());
  const std::optional<UnigramModel> unigram = load_unigram_model(folder);
  const UnigramModel* counts = unigram ? &*unigram : nullptr;
  defer_stop_signals();  // checked between batches
  std::optional<LossGroups> groups;
  if (!arguments.by.empty()) groups.emplace(model->config().vocab_size);
  LossGroups* const wanted = groups ? &*groups : nullptr;
  Measured measured =
      arguments.examples.empty()
          ? measure_data(arguments, folder, *model, counts, wanted, computing.threads)
          : measure_examples(arguments, *model, counts, wanted);
  if (!measured.result.complete) return;  // after a signal: no partial result
  if (measured.result.model.masked_tokens == 0) {
    fail_run(arguments.examples.empty() ? arguments.text.data.paths.front() : arguments.examples,
             "no position to predict", "evaluate a longer text");
  }
  const double mean = measured.result.model.mean();
  if (!std::isfinite(std::exp(mean))) {
    fail_not_finite(std::isfinite(mean)
                        ? "at " + format_number(mean) + " nats a token its perplexities are"
                        : "its outputs are");
  }
  if (groups) {
    measured.tables = loss_tables(arguments.by, *groups, counts);
    measured.accuracy = groups->totals().accuracy();
  }
  if (arguments.json) {
    std::printf("%s\n", json_text(to_json(measured, arguments), 2).c_str());
  } else {
    print_table(measured, arguments);
  }
}

void add_perplexity_command(CLI::App& program) {
  auto arguments = std::make_shared<PerplexityArguments>();
  CLI::App* command =
      program.add_subcommand("perplexity", "masked-LM perplexity with frozen masks");
  command
      ->add_option(
          "--checkpoint", arguments->checkpoint,
          "model folder, or a run folder (its newest checkpoint; of a fine-tuned run its best)")
      ->required();
  command->add_flag("--ema", arguments->ema,
                    "use the averaged weights of a run with training.ema_decay, not the raw ones");
  arguments->text.add_options(*command);
  command->add_option("--examples", arguments->examples,
                      "JSON lines (plain, .zst, .gz, -) with input_ids, attention_mask (optional), "
                      "labels (-100 = none)");
  command->add_option("--mask-seed", arguments->mask_seed, "seed of the masks")
      ->capture_default_str();
  command->add_option("--mlm-probability", arguments->mlm_probability, "share of tokens to predict")
      ->check(takes_between(0.0, 1.0))
      ->capture_default_str();
  command
      ->add_option("--max-sequence-length", arguments->max_sequence_length,
                   "tokens of a sequence; 0 = the model's")
      ->check(takes_at_least(0));
  command->add_option("--max-sequences", arguments->max_sequences, "0 = all")
      ->check(takes_at_least(0));
  command->add_option("--batch-size", arguments->batch_size, "sequences at a time")
      ->check(takes_above_zero())
      ->capture_default_str();
  command
      ->add_option(
          "--by", arguments->by,
          "also print loss and accuracy by groups of tokens, any of: repetition (whether the id "
          "occurs elsewhere in the sequence), distance (to the nearest occurrence), "
          "frequency")
      ->delimiter(',')
      ->check(takes_one_of(names_of<LossSplit>()));
  add_compute_options(*command, arguments->compute);
  add_precision_option(*command, arguments->precision);
  command->add_flag("--json", arguments->json, "print the result as JSON");
  add_markdown_option(*command);
  add_examples(*command,
               {"linformer-eval perplexity --checkpoint runs/sample --data data/sample/valid.txt",
                "linformer-eval perplexity --checkpoint runs/sample --data data/sample/valid.txt "
                "--by repetition,distance,frequency",
                "linformer-eval perplexity --checkpoint runs/sample --examples rows.jsonl --json"});
  command->callback([arguments] { run_perplexity(*arguments); });
}

}  // namespace

int64_t sequence_length(int64_t wanted, int64_t models) {
  if (wanted > models) {
    fail_usage("--max-sequence-length",
               std::to_string(wanted) + ", the model takes at most " + std::to_string(models),
               "leave it out");
  }
  return wanted > 0 ? wanted : models;
}

}  // namespace linformer

int main(int argc, char** argv) {
  const linformer::ProgramInfo info = linformer::program_info(
      "linformer-eval",
      {"linformer-eval perplexity --checkpoint runs/sample --data data/sample/valid.txt --json",
       "linformer-eval task --checkpoint runs/sst2 --task sst-2 --input dev.tsv",
       "linformer-eval recall --checkpoint runs/sample"});
  return linformer::run_program(argc, argv, info, [](CLI::App& program) {
    program.require_subcommand(1);
    linformer::add_perplexity_command(program);
    linformer::add_task_command(program);
    linformer::add_recall_command(program);
    linformer::add_spectrum_command(program);
    linformer::add_projection_error_command(program);
  });
}
