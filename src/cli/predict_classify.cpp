// linformer-predict classify: labels, or numbers, for texts and pairs of texts.
#include <algorithm>
#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "fine_tuned_run.h"
#include "option_checks.h"
#include "predict_commands.h"
#include "predict_stream.h"
#include "program.h"

#include "linformer/analysis/text_prediction.h"
#include "linformer/checkpoint/find_model.h"
#include "linformer/core/format.h"
#include "linformer/data/task_registry.h"
#include "linformer/models/model_tokenizer.h"

namespace linformer {

namespace {

/// Adds the answer for one row: "positive 0.9731  negative 0.02694", or a regression's number.
void add_answer(const HeadConfig& head, std::span<const float> logits,
                const StreamArguments& arguments, Answers& answers) {
  if (logits.empty()) {  // the row has an error instead of an answer
    answers.lines.emplace_back();
    answers.objects.emplace_back();
    return;
  }
  if (head.type == HeadType::kRegression) {
    answers.lines.push_back(format_number(logits[0], 6));
    answers.objects.push_back({{"value", logits[0]}});
    return;
  }
  std::string line;
  nlohmann::ordered_json labels = nlohmann::ordered_json::array();
  for (const LabelGuess& guess : most_probable(logits, arguments.top_k)) {
    const std::string& name = head.labels[static_cast<size_t>(guess.label)];
    line += (line.empty() ? "" : "  ") + name + " " + format_number(guess.probability);
    labels.push_back({{"label", name}, {"probability", guess.probability}});
  }
  answers.lines.push_back(std::move(line));
  answers.objects.push_back({{"labels", std::move(labels)}});
}

/// What the command line leaves open is as in the model's fine-tuning.
void take_from_fine_tuning(StreamArguments& arguments, const std::string& model_folder) {
  const std::optional<FinetuneConfig> run = fine_tuning_of(model_folder);
  arguments.max_sequence_length = length_as_fine_tuned(arguments.max_sequence_length, run);
  arguments.truncation = truncation_as_fine_tuned(arguments.truncation, run);
  if (run) arguments.fine_tuned_on = run->task;
}

void run_classify(StreamArguments arguments) {
  const Computing computing = start_computing(arguments.compute);
  const PredictionScope precision(arguments.precision, computing.device);
  const std::string folder = find_model_folder(arguments.checkpoint);
  const TextClassifier classifier = TextClassifier::load(folder, computing.device);
  take_from_fine_tuning(arguments, folder);
  const Tokenizer tokenizer = load_tokenizer(folder, classifier.config());
  answer_requests(arguments, RequestKind::kClassify, classifier.config(), tokenizer,
                  [&](std::vector<TextRequest>& window) {
                    Answers answers;
                    const auto outputs = classifier.predict(take_rows(window), arguments.bounds());
                    answers.complete = outputs.size() == window.size();
                    for (const std::vector<float>& row : outputs) {
                      add_answer(classifier.head(), row, arguments, answers);
                    }
                    return answers;
                  });
}

}  // namespace

void add_classify_command(CLI::App& program) {
  auto arguments = std::make_shared<StreamArguments>();
  CLI::App* command = program.add_subcommand(
      "classify", "labels with probabilities, or a number, of a fine-tuned model, line by line");
  add_stream_options(*command, *arguments);
  command
      ->add_option("--task", arguments->task, "a known task: the input are tables with its columns")
      ->check(offers(known_task_names()));
  add_truncation_option(*command, arguments->truncation);
  add_examples(*command, {"linformer-predict classify --checkpoint runs/sst2 "
                          "--text 'A warm, funny film.'",
                          "linformer-predict classify --checkpoint runs/mnli "
                          "--input pairs.txt   # premise TAB "
                          "hypothesis",
                          "linformer-predict classify --checkpoint runs/mine --input new.csv "
                          "--text-column review",
                          "linformer-predict classify --checkpoint runs/imdb "
                          "--input reviews.jsonl.zst --json"});
  command->callback([arguments] { run_classify(*arguments); });
}

}  // namespace linformer
