// linformer-eval task: measures a fine-tuned model on labelled files.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iterator>
#include <memory>
#include <optional>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "compute_options.h"
#include "eval_commands.h"
#include "fine_tuned_run.h"
#include "option_checks.h"
#include "program.h"
#include "table_output.h"

#include "linformer/analysis/labelled_evaluation.h"
#include "linformer/checkpoint/find_model.h"
#include "linformer/core/atomic_file.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/json_text.h"
#include "linformer/core/log.h"
#include "linformer/core/stop_signal.h"
#include "linformer/data/own_data.h"
#include "linformer/data/task_registry.h"
#include "linformer/metrics/percent.h"
#include "linformer/models/model_folder.h"
#include "linformer/models/model_tokenizer.h"
#include "linformer/report/progress.h"

namespace linformer {

namespace {

using Json = nlohmann::ordered_json;

struct TaskArguments {
  std::string checkpoint;
  std::string task;
  std::vector<std::string> inputs;
  std::string text_column, pair_column, label_column;
  bool no_header = false;
  std::vector<std::string> labels;
  std::vector<std::string> metrics;
  std::vector<std::string> predictions;
  std::optional<Truncation> truncation;
  int64_t max_sequence_length = 0;
  int64_t batch_size = 32;
  double max_bad_share = 0.001;
  ComputeOptions compute;
  PredictionPrecision precision = PredictionPrecision::kFp32;
  bool json = false;

  /// Whether the command line says how the files look.
  bool describes_files() const {
    return !task.empty() || !text_column.empty() || !pair_column.empty() || !label_column.empty() ||
           no_header;
  }
};

/// The columns that the command line names.
OwnData named_columns(const TaskArguments& arguments) {
  OwnData own;
  own.header = !arguments.no_header;
  if (!arguments.text_column.empty()) own.text_column = arguments.text_column;
  own.pair_column = arguments.pair_column;
  if (!arguments.label_column.empty()) own.label_column = arguments.label_column;
  return own;
}

/// A known task, or a task of the user's own columns with the model's labels. If the command line
/// names neither, it is that of the fine-tuning.
TaskSpec task_of(const TaskArguments& arguments, const HeadConfig& head,
                 const std::optional<FinetuneConfig>& run) {
  std::vector<Metric> metrics;
  for (const std::string& name : arguments.metrics) metrics.push_back(*enum_of<Metric>(name));
  const bool as_fine_tuned = run && !arguments.describes_files();
  std::string known = arguments.task;
  if (as_fine_tuned && !is_own_data(run->task)) known = run->task.name;
  if (!known.empty()) {
    TaskSpec task = find_task(known);
    if (!metrics.empty()) task.metrics = metrics;
    return task;
  }
  OwnData own = as_fine_tuned ? own_data(run->task) : named_columns(arguments);
  own.train = own.test = {};
  own.dev = arguments.inputs;
  own.metrics = metrics;
  own.kind = head.type == HeadType::kRegression ? TaskKind::kRegression : TaskKind::kClassification;
  own.labels = {};
  if (own.kind == TaskKind::kClassification) {
    own.labels = arguments.labels.empty() ? head.labels : arguments.labels;
  }
  return own_task(own).task;
}

Json to_json(const TaskSpec& task, const LabelledEvaluation& evaluation) {
  Json json{{"file", evaluation.file.path},
            {"rows", evaluation.examples.rows.size()},
            {"bad_rows", evaluation.examples.num_bad_rows},
            {"truncated_rows", evaluation.num_truncated},
            {"is_part", evaluation.file.is_part}};
  if (!evaluation.measures) return json;
  // Numbers that are not finite, such as the correlation of a constant, become null.
  Json metrics = Json::object();
  for (const MetricValue& metric : evaluation.measures->metrics) {
    metrics[metric.name] = metric.value;
  }
  json["metrics"] = std::move(metrics);
  json["loss"] = evaluation.measures->loss;
  if (task.kind == TaskKind::kRegression) return json;
  const std::vector<int64_t> counts = evaluation.examples.label_counts(task);
  const int64_t most = *std::max_element(counts.begin(), counts.end());
  json["majority_rate"] =
      static_cast<double>(most) / static_cast<double>(evaluation.examples.rows.size());
  json["labels"] = task.label_names();
  json["confusion"] = evaluation.confusion;
  return json;
}

/// The confusion matrix: rows of each label by prediction.
void print_confusion(const TaskSpec& task, const LabelledEvaluation& evaluation) {
  if (evaluation.confusion.empty()) return;
  std::vector<std::vector<std::string>> rows{{"label \\ predicted"}};
  for (const TaskLabel& label : task.labels) rows.front().push_back(label.name);
  for (size_t label = 0; label < task.labels.size(); ++label) {
    rows.push_back({task.labels[label].name});
    for (const int64_t count : evaluation.confusion[label]) {
      rows.back().push_back(format_count(count));
    }
  }
  std::printf("%s", shown_table(rows).c_str());
}

void print_evaluation(const TaskSpec& task, const LabelledEvaluation& evaluation) {
  const auto num_rows = static_cast<int64_t>(evaluation.examples.rows.size());
  std::printf("%s: %s rows%s\n", evaluation.file.path.c_str(), format_count(num_rows).c_str(),
              evaluation.file.is_part ? ", less than the published set" : "");
  if (evaluation.examples.num_bad_rows > 0) {
    std::printf("rows that could not be read: %s\n",
                format_count(evaluation.examples.num_bad_rows).c_str());
  }
  if (!evaluation.measures) {
    std::printf("no labels: predictions only\n");
    return;
  }
  std::vector<std::vector<std::string>> rows{{"metric", "value"}};
  for (const MetricValue& metric : evaluation.measures->metrics) {
    rows.push_back({metric.name, percent_text(metric.value)});
  }
  if (!std::isnan(evaluation.measures->majority)) {
    rows.push_back({"majority class (" + std::string(name_of(task.metrics.front())) + ")",
                    percent_text(evaluation.measures->majority)});
  }
  rows.push_back({"loss", format_fixed(evaluation.measures->loss, 4)});
  std::printf("%s", shown_table(rows).c_str());
  print_confusion(task, evaluation);
}

void print_json(const TaskArguments& arguments, const TaskSpec& task,
                const std::vector<LabelledEvaluation>& evaluations) {
  Json json{{"task", task.name}, {"checkpoint", arguments.checkpoint}};
  if (arguments.precision != PredictionPrecision::kFp32) {
    json["precision"] = name_of(arguments.precision);
  }
  Json files = Json::array();
  for (const LabelledEvaluation& evaluation : evaluations) {
    files.push_back(to_json(task, evaluation));
  }
  json["files"] = std::move(files);
  std::printf("%s\n", json_text(json, 2).c_str());
}

void run_task(const TaskArguments& arguments) {
  if (!arguments.predictions.empty() && arguments.predictions.size() != arguments.inputs.size()) {
    fail_usage("--predictions",
               format_count(std::ssize(arguments.predictions), "file") + " for " +
                   std::to_string(arguments.inputs.size()) + " of --input",
               "name one for each, in the same order");
  }
  LabelledEvaluationOptions options;
  const Computing computing = start_computing(arguments.compute);
  const PredictionScope precision(arguments.precision, computing.device);
  options.threads = computing.threads;
  const std::string folder = find_model_folder(arguments.checkpoint);
  const std::unique_ptr<Model> model = load_classifier(folder, computing.device);
  const Tokenizer tokenizer = load_tokenizer(folder, model->config());
  const std::optional<FinetuneConfig> run = fine_tuning_of(folder);
  const TaskSpec task = task_of(arguments, model->head_config(), run);
  options.output_of_label = match_labels(task, model->head_config(), arguments.labels, folder);
  options.max_sequence_length =
      sequence_length(length_as_fine_tuned(arguments.max_sequence_length, run),
                      model->config().max_sequence_length);
  options.truncation = truncation_as_fine_tuned(arguments.truncation, run);
  options.batch_size = arguments.batch_size;
  options.max_bad_share = arguments.max_bad_share;
  options.labels_required = arguments.predictions.empty();
  std::vector<LabelledEvaluation> evaluations;
  defer_stop_signals();  // checked between batches
  for (const std::string& input : arguments.inputs) {
    const LabelledFile file = labelled_file(task, input);
    WorkProgress progress("predicting " + input, 0, "rows");
    options.progress = [&progress](int64_t rows, int64_t of) { progress.update(rows, of); };
    evaluations.push_back(evaluate_labelled_file(*model, tokenizer, task, file, options));
    progress.clear();
    if (!evaluations.back().outputs.complete) return;  // after a signal: no partial result
    for (const std::string& remark : evaluations.back().examples.remarks()) log_warning(remark);
    if (evaluations.back().num_truncated > 0) {
      log_info(input + ": " + format_count(evaluations.back().num_truncated) +
               " rows were cut to " + std::to_string(options.max_sequence_length) + " tokens");
    }
  }
  for (size_t i = 0; i < arguments.predictions.size(); ++i) {
    make_parent_directory(arguments.predictions[i]);
    const LabelledEvaluation& evaluation = evaluations[i];
    write_file_atomically(
        arguments.predictions[i],
        prediction_table(task, evaluation.examples.rows, evaluation.outputs).text());
  }
  if (arguments.json) {
    print_json(arguments, task, evaluations);
    return;
  }
  for (const LabelledEvaluation& evaluation : evaluations) {
    if (&evaluation != &evaluations.front()) std::printf("\n");
    print_evaluation(task, evaluation);
  }
}

void add_data_options(CLI::App& command, TaskArguments& arguments) {
  CLI::Option* task =
      command.add_option("--task", arguments.task, "a known task: its columns, labels and metrics")
          ->check(offers(known_task_names()));
  command
      .add_option("--input", arguments.inputs,
                  "files (.tsv, .csv, .jsonl, .zst, .gz); several are measured one by one")
      ->required();
  const auto add_column = [&](const char* name, auto& value, const char* help) {
    command.add_option(name, value, help)->excludes(task);
  };
  add_column("--text-column", arguments.text_column,
             "of files of your own: the text, else \"text\". Without a task or a column, the "
             "files are read as in the fine-tuning");
  add_column("--pair-column", arguments.pair_column, "the second text of a pair");
  add_column("--label-column", arguments.label_column, "the label, or the score, else \"label\"");
  command
      .add_flag("--no-header", arguments.no_header,
                "files of your own have no header: columns are numbers from 0")
      ->excludes(task);
  command
      .add_option("--labels", arguments.labels,
                  "labels of the model's outputs in order, if config.json names them differently")
      ->delimiter(',');
  command
      .add_option("--metrics", arguments.metrics,
                  "accuracy, f1, macro_f1, mcc, pearson, spearman; the task's own if left out")
      ->delimiter(',')
      ->check(takes_one_of(names_of<Metric>()));
  command
      .add_option("--max-bad-share", arguments.max_bad_share,
                  "more unreadable rows than this share are an error")
      ->check(takes_between(0.0, 1.0))
      ->capture_default_str();
}

}  // namespace

void add_task_command(CLI::App& program) {
  auto arguments = std::make_shared<TaskArguments>();
  CLI::App* command =
      program.add_subcommand("task", "metrics of a fine-tuned model on labelled files");
  command
      ->add_option(
          "--checkpoint", arguments->checkpoint,
          "model folder, or a run folder (its newest checkpoint; of a fine-tuned run its best)")
      ->required();
  add_data_options(*command, *arguments);
  command->add_option(
      "--predictions", arguments->predictions,
      "tables of predictions to write, one for each input; the inputs may then lack labels");
  command
      ->add_option("--max-sequence-length", arguments->max_sequence_length,
                   "tokens of a row; 0 = as in the fine-tuning, else the model's n")
      ->check(takes_zero_or_at_least(8));
  add_truncation_option(*command, arguments->truncation);
  command->add_option("--batch-size", arguments->batch_size, "rows at a time")
      ->check(takes_above_zero())
      ->capture_default_str();
  add_compute_options(*command, arguments->compute);
  add_precision_option(*command, arguments->precision);
  command->add_flag("--json", arguments->json, "print the result as JSON");
  add_markdown_option(*command);
  add_examples(*command, {"linformer-eval task --checkpoint runs/sst2 --input dev.tsv",
                          "linformer-eval task --checkpoint runs/mnli --task mnli --input "
                          "dev_matched.tsv "
                          "dev_mismatched.tsv --json",
                          "linformer-eval task --checkpoint runs/mine --input held-out.csv "
                          "--text-column "
                          "review --label-column stars --predictions held-out.predictions.tsv"});
  command->callback([arguments] { run_task(*arguments); });
}

}  // namespace linformer
