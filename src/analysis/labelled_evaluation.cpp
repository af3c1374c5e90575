#include "linformer/analysis/labelled_evaluation.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <functional>
#include <optional>

#include "linformer/analysis/finite_outputs.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/data/label_text.h"
#include "linformer/data/labelled_dataset.h"
#include "linformer/text/byte_source.h"

namespace linformer {

namespace {

/// A normalised name, without case and surrounding blanks.
std::string folded(const std::string& name) {
  std::string text(trimmed_label(name));
  for (char& letter : text) {
    letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  }
  return text;
}

std::string listed(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  return list;
}

/// Ways in which a label and an output can have the same name, the surest first.
const std::array<std::function<bool(const TaskLabel&, const std::string&)>, 3> kSameName{
    [](const TaskLabel& label, const std::string& output) { return label.name == output; },
    [](const TaskLabel& label, const std::string& output) {
      return std::find(label.spellings.begin(), label.spellings.end(), output) !=
             label.spellings.end();
    },
    [](const TaskLabel& label, const std::string& output) {
      if (folded(label.name) == folded(output)) return true;
      return std::any_of(label.spellings.begin(), label.spellings.end(),
                         [&](const std::string& other) { return folded(other) == folded(output); });
    }};

/// The output of each label, using every output once, or nothing. An output that has the exact name
/// of one label cannot belong to a label with a similar name ("US" and "us").
std::optional<std::vector<int64_t>> pair_labels(const std::vector<TaskLabel>& labels,
                                                const std::vector<std::string>& outputs) {
  std::vector<int64_t> output_of_label(labels.size(), -1);
  std::vector<bool> taken(outputs.size(), false);
  for (const auto& same_name : kSameName) {
    for (size_t label = 0; label < labels.size(); ++label) {
      if (output_of_label[label] >= 0) continue;
      for (size_t output = 0; output < outputs.size(); ++output) {
        if (taken[output] || !same_name(labels[label], outputs[output])) continue;
        if (output_of_label[label] >= 0) return std::nullopt;  // two outputs fit equally well
        output_of_label[label] = static_cast<int64_t>(output);
      }
      if (output_of_label[label] >= 0) taken[static_cast<size_t>(output_of_label[label])] = true;
    }
  }
  const auto lost = std::find(output_of_label.begin(), output_of_label.end(), -1);
  if (lost != output_of_label.end()) return std::nullopt;
  return output_of_label;
}

/// Puts the columns of the model's outputs into the order of the task's labels.
void reorder_outputs(const std::vector<int64_t>& output_of_label, TaskOutputs& outputs) {
  const auto width = static_cast<size_t>(outputs.num_outputs);
  if (output_of_label.size() != width) return;  // a regression
  std::vector<float> row(width);
  for (size_t begin = 0; begin < outputs.values.size(); begin += width) {
    for (size_t label = 0; label < width; ++label) {
      row[label] = outputs.values[begin + static_cast<size_t>(output_of_label[label])];
    }
    std::copy(row.begin(), row.end(), outputs.values.begin() + static_cast<std::ptrdiff_t>(begin));
  }
}

std::vector<std::vector<int64_t>> confusion_of(const TaskSpec& task, const TaskOutputs& outputs,
                                               const std::vector<float>& targets) {
  if (task.kind == TaskKind::kRegression) return {};
  std::vector<std::vector<int64_t>> counts(task.labels.size(),
                                           std::vector<int64_t>(task.labels.size(), 0));
  const std::vector<float> predictions = outputs.predictions(task.kind);
  for (size_t row = 0; row < predictions.size(); ++row) {
    ++counts.at(static_cast<size_t>(targets[row])).at(static_cast<size_t>(predictions[row]));
  }
  return counts;
}

}  // namespace

std::vector<int64_t> match_labels(const TaskSpec& task, const HeadConfig& head,
                                  const std::vector<std::string>& names, const std::string& model) {
  const bool regression = task.kind == TaskKind::kRegression;
  if (regression != (head.type == HeadType::kRegression)) {
    fail_run(model,
             "is a model for " + std::string(name_of(head.type)) + ", task " + task.name +
                 " is a " + (regression ? "regression" : "classification"),
             "take a model that was fine-tuned on " + task.name);
  }
  if (regression) return {};
  const std::vector<std::string>& outputs = names.empty() ? head.labels : names;
  if (outputs.size() != head.labels.size()) {
    fail_usage("--labels",
               std::to_string(outputs.size()) + " names, the model has " +
                   std::to_string(head.labels.size()) + " outputs",
               "give a name for each, in the order of the outputs");
  }
  const std::string lists = "the model has " + std::to_string(outputs.size()) + " labels (" +
                            listed(outputs) + "), task " + task.name + " has " +
                            std::to_string(task.labels.size()) + " (" + listed(task.label_names()) +
                            ")";
  if (outputs.size() != task.labels.size()) {
    fail_run(model, lists, "take a model that was fine-tuned on this task");
  }
  const std::optional<std::vector<int64_t>> paired = pair_labels(task.labels, outputs);
  if (!paired) {
    fail_run(model, lists + ", and they do not pair one to one",
             "if they mean the same, name the model's outputs in their order with --labels");
  }
  return *paired;
}

LabelledFile labelled_file(const TaskSpec& task, const std::string& path) {
  const std::string name = name_without_compression(path);
  const auto is_file = [&](const std::string& known) {
    return name_without_compression(known) == name;
  };
  const SplitSpec* fallback = &task.splits.front();
  for (const SplitSpec& split : task.splits) {
    for (const FileChoice& choice : split.choices) {
      if (std::any_of(choice.names.begin(), choice.names.end(), is_file)) {
        return {path, choice.layout, choice.is_part};
      }
    }
    if (split.role == SplitRole::kDev && fallback->role != SplitRole::kDev) fallback = &split;
  }
  return {path, fallback->choices.front().layout, false};
}

LabelledEvaluation evaluate_labelled_file(const Model& model, const Tokenizer& tokenizer,
                                          const TaskSpec& task, const LabelledFile& file,
                                          const LabelledEvaluationOptions& options) {
  LabelledEvaluation result;
  result.file = file;
  ReadOptions reading;
  reading.labels_required = options.labels_required;
  reading.max_bad_share = options.max_bad_share;
  result.examples = read_labelled_examples({file.path}, file.layout, task, reading);
  if (!result.examples.has_labels && result.examples.num_bad_rows > 0) {
    const BadRow& bad = result.examples.bad_rows.front();
    fail_run(bad.where, bad.reason + ", and every row of a test set needs a prediction",
             "correct the row");
  }
  LabelledDatasetOptions encoding;
  encoding.max_sequence_length = options.max_sequence_length;
  encoding.truncation = options.truncation;
  encoding.type_vocab_size = model.config().type_vocab_size;
  encoding.threads = options.threads;
  const LabelledDataset dataset(result.examples.rows, tokenizer, encoding);
  result.num_truncated = dataset.num_truncated();
  OutputOptions batches;
  batches.batch_size = options.batch_size;
  if (options.progress) {
    batches.progress = [&](int64_t rows) { options.progress(rows, dataset.num_sequences()); };
  }
  result.outputs = task_outputs(model, dataset, batches);
  if (!result.outputs.complete) return result;
  require_finite_outputs(result.outputs.values);
  reorder_outputs(options.output_of_label, result.outputs);
  if (!result.examples.has_labels) return result;
  const std::vector<float> targets = result.examples.targets();
  result.measures = measure_task(task, result.outputs, targets);
  result.confusion = confusion_of(task, result.outputs, targets);
  return result;
}

}  // namespace linformer
