// linformer-eval recall: how often a model recalls a fact of the sample corpus, by distance.
#include <cstdio>
#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "compute_options.h"
#include "eval_commands.h"
#include "option_checks.h"
#include "program.h"
#include "table_output.h"

#include "linformer/analysis/recall.h"
#include "linformer/analysis/recall_questions.h"
#include "linformer/checkpoint/find_model.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/json_text.h"
#include "linformer/core/log.h"
#include "linformer/core/stop_signal.h"
#include "linformer/metrics/percent.h"
#include "linformer/metrics/statistics.h"
#include "linformer/models/model_folder.h"
#include "linformer/models/model_tokenizer.h"
#include "linformer/report/progress.h"

namespace linformer {

namespace {

using Json = nlohmann::ordered_json;

/// The words have 1 token with the tokenizer of the quick start (4,000 pieces), some more with a
/// smaller one, and 6 with one that was trained on the corpus of another seed.
constexpr double kManyTokens = 4.0;

struct RecallArguments {
  std::string checkpoint;
  RecallOptions options;
  ComputeOptions compute;
  bool json = false;
};

ShareInterval interval_of(const RecallGroup& group) {
  return wilson_interval(group.num_right, group.num_questions);
}

Json to_json(const std::vector<RecallGroup>& groups) {
  Json json = Json::array();
  for (const RecallGroup& group : groups) {
    const ShareInterval interval = interval_of(group);
    json.push_back({{"group", group.name},
                    {"questions", group.num_questions},
                    {"right", group.num_right},
                    {"accuracy", group.accuracy()},
                    {"low", interval.low},
                    {"high", interval.high},
                    {"mean_nll", group.mean_nll()},
                    {"baseline_accuracy", group.baseline_accuracy()}});
  }
  return json;
}

Json to_json(const RecallResult& result, const RecallOptions& options) {
  const RecallGroup& all = result.all;
  const ShareInterval interval = interval_of(all);
  return {{"questions", all.num_questions},
          {"right", all.num_right},
          {"accuracy", all.accuracy()},
          {"low", interval.low},
          {"high", interval.high},
          {"mean_nll", all.mean_nll()},
          {"baseline_accuracy", all.baseline_accuracy()},
          {"masked_tokens", result.num_tokens},
          {"seed", options.seed},
          {"max_sequence_length", options.max_sequence_length},
          {"by_distance", to_json(result.by_distance)},
          {"by_fact", to_json(result.by_fact)}};
}

void print_groups(const std::string& title, const std::vector<RecallGroup>& groups) {
  std::vector<std::vector<std::string>> rows{
      {title, "questions", "right", "95 % interval", "nats a word", "most frequent word"}};
  for (const RecallGroup& group : groups) {
    const ShareInterval interval = interval_of(group);
    const bool any = group.num_questions > 0;
    rows.push_back(
        {group.name, format_count(group.num_questions), percent_text(group.accuracy(), 1),
         any ? format_fixed(100.0 * interval.low, 1) + " - " + percent_text(interval.high, 1) : "-",
         any ? format_fixed(group.mean_nll(), 3) : "-",
         percent_text(group.baseline_accuracy(), 1)});
  }
  std::printf("%s", shown_table(rows).c_str());
}

void run_recall(RecallArguments& arguments) {
  const Computing computing = start_computing(arguments.compute);
  const std::string folder = find_model_folder(arguments.checkpoint);
  const std::unique_ptr<Model> model = load_masked_lm(folder, computing.device);
  const Tokenizer tokenizer = load_tokenizer(folder, model->config());
  RecallOptions& options = arguments.options;
  options.max_sequence_length =
      sequence_length(options.max_sequence_length, model->config().max_sequence_length);
  if (options.max_sequence_length < RecallQuestions::kShortestLength) {
    fail_usage(
        "--max-sequence-length",
        std::to_string(options.max_sequence_length) + " leaves too little text around a word",
        "questions take sequences of at least " + std::to_string(RecallQuestions::kShortestLength) +
            " tokens");
  }
  defer_stop_signals();  // checked between batches
  WorkProgress progress("asking", options.num_questions, "questions");
  const std::optional<RecallResult> result = measure_recall(
      *model, tokenizer, options, [&progress](int64_t asked) { progress.update(asked); });
  progress.clear();
  if (!result) return;  // after a signal: no partial result
  const double tokens_per_word =
      static_cast<double>(result->num_tokens) / static_cast<double>(result->all.num_questions);
  if (tokens_per_word > kManyTokens) {
    log_warning("the words to recall have " + format_number(tokens_per_word, 2) +
                " tokens on average, as if the tokenizer were made for other text; take a model "
                "that was trained on text of linformer-data sample, and its --seed");
  }
  if (arguments.json) {
    std::printf("%s\n", json_text(to_json(*result, options), 2).c_str());
    return;
  }
  print_groups("recall", {result->all});
  std::printf("%s tokens in sequences of %s\n\n", format_count(result->num_tokens).c_str(),
              format_count(options.max_sequence_length).c_str());
  print_groups("tokens to the nearest mention", result->by_distance);
  std::printf("\n");
  print_groups("fact", result->by_fact);
}

}  // namespace

void add_recall_command(CLI::App& program) {
  auto arguments = std::make_shared<RecallArguments>();
  RecallOptions& options = arguments->options;
  CLI::App* command = program.add_subcommand(
      "recall", "how often a model recalls a fact of the sample corpus, by distance");
  command
      ->add_option(
          "--checkpoint", arguments->checkpoint,
          "model folder, or a run folder (its newest checkpoint), trained on the sample corpus")
      ->required();
  command->add_option("--questions", options.num_questions, "each about another held-out document")
      ->check(takes_between(1, 1'000'000))
      ->capture_default_str();
  command->add_option("--seed", options.seed, "that of the sample corpus (linformer-data sample)")
      ->check(takes_at_least(0))
      ->capture_default_str();
  command
      ->add_option("--max-sequence-length", options.max_sequence_length,
                   "tokens of a sequence; 0 = the model's")
      ->check(takes_at_least(0));
  command->add_option("--batch-size", options.batch_size, "questions at a time")
      ->check(takes_above_zero())
      ->capture_default_str();
  add_compute_options(*command, arguments->compute);
  command->add_flag("--json", arguments->json, "print the result as JSON");
  add_markdown_option(*command);
  add_examples(*command, {"linformer-eval recall --checkpoint runs/sample",
                          "linformer-eval recall --checkpoint runs/sample --questions 10000 "
                          "--max-sequence-length 128 --json"});
  command->callback([arguments] { run_recall(*arguments); });
}

}  // namespace linformer
