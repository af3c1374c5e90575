// Rows of one length, of which linformer-eval measures the attention.
#include "eval_rows.h"

#include <utility>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "option_checks.h"

#include "linformer/analysis/labelled_evaluation.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/log.h"
#include "linformer/data/labelled_examples.h"
#include "linformer/data/task_registry.h"

namespace linformer {

namespace {

constexpr int64_t kShortestRow = 8;  // as input.max_length of fine-tuning

RowSample read_labelled(const RowInputs& inputs, const ModelConfig& config,
                        const Tokenizer& tokenizer, int64_t length) {
  const TaskSpec& task = find_task(inputs.task);
  const LabelledFile file = labelled_file(task, inputs.input);
  ReadOptions reading;
  reading.labels_required = false;
  const LabelledExamples examples = read_labelled_examples({file.path}, file.layout, task, reading);
  for (const std::string& remark : examples.remarks()) log_warning(remark);
  return sample_labelled_rows(examples.rows, tokenizer, length, inputs.max_sequences,
                              config.type_vocab_size);
}

}  // namespace

void RowInputs::add_options(CLI::App& command) {
  text.add_options(command);
  command.add_option("--task", task, "instead of --data: a known task, for --input")
      ->check(offers(known_task_names()));
  command.add_option("--input", input, "a file of the task (.tsv, .csv, .jsonl, .zst, .gz)");
  command
      .add_option("--max-sequences", max_sequences,
                  "the first that are long enough; 0 = all. All have one length: shorter ones are "
                  "left out, longer ones cut")
      ->check(takes_at_least(0))
      ->capture_default_str();
}

void RowInputs::check(const std::string& command) const {
  if (text.data.paths.empty() == task.empty()) {
    fail_usage(command, "needs either --data or --task",
               "name held-out text, or a task and a file of it");
  }
  if (task.empty() == input.empty()) return;
  fail_usage("--input", task.empty() ? "belongs to --task" : "is missing",
             task.empty() ? "give --data alone" : "name a file of the task");
}

RowSample RowInputs::read(const ModelConfig& config, const Tokenizer& tokenizer, int64_t length,
                          int threads) {
  RowSample sample = task.empty() ? sample_packed_rows(text.open(tokenizer, threads).dataset,
                                                       length, max_sequences)
                                  : read_labelled(*this, config, tokenizer, length);
  if (sample.rows.empty()) {
    fail_run(task.empty() ? text.data.paths.front() : input,
             "none of its " + format_count(sample.num_read) + " rows has " +
                 std::to_string(length) + " tokens; the longest has " +
                 std::to_string(sample.longest),
             "measure shorter sequences, or take a longer text");
  }
  return sample;
}

void check_row_length(const std::string& option, int64_t length, const ModelConfig& config) {
  if (length >= kShortestRow && length <= config.max_sequence_length) return;
  fail_usage(
      option,
      std::to_string(length) +
          (length < kShortestRow
               ? " tokens are too few"
               : ", the model takes at most " + std::to_string(config.max_sequence_length)),
      "give " + std::to_string(kShortestRow) + " to " + std::to_string(config.max_sequence_length));
}

std::string describe_rows(const RowSample& sample) {
  return format_count(static_cast<int64_t>(sample.rows.size()), "sequence") + " of " +
         std::to_string(sample.length) + " tokens (" + format_count(sample.num_read) + " read, " +
         format_count(sample.num_short) + " too short, " + format_count(sample.num_cut) + " cut)";
}

nlohmann::ordered_json rows_json(const RowSample& sample) {
  return {{"n", sample.length},
          {"sequences", sample.rows.size()},
          {"rows_read", sample.num_read},
          {"rows_too_short", sample.num_short},
          {"rows_cut", sample.num_cut}};
}

}  // namespace linformer
