// linformer-eval spectrum: the singular values of the attention matrices.
#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "compute_options.h"
#include "eval_commands.h"
#include "eval_rows.h"
#include "option_checks.h"
#include "program.h"
#include "table_output.h"

#include "linformer/analysis/attention_spectrum.h"
#include "linformer/checkpoint/find_model.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/json_text.h"
#include "linformer/core/stop_signal.h"
#include "linformer/kernels/caching_allocator.h"
#include "linformer/kernels/thread_setup.h"
#include "linformer/metrics/statistics.h"
#include "linformer/models/model_folder.h"
#include "linformer/models/model_tokenizer.h"
#include "linformer/report/progress.h"

namespace linformer {

namespace {

using Json = nlohmann::ordered_json;

struct Arguments {
  std::string checkpoint;
  RowInputs rows;
  int64_t length = 0;
  std::optional<int64_t> wanted_index;
  int64_t index = 0;
  int64_t points = 0;
  int threads = 0;
  bool json = false;
};

/// The value at the index, for each head.
std::vector<double> values_of(const LayerSpectrum& layer, int64_t index) {
  std::vector<double> values;
  for (const auto& cumulative : layer.cumulative) values.push_back(value_at(cumulative, index));
  return values;
}

double mean_of_layers(const AttentionSpectrum& spectrum, int64_t index) {
  std::vector<double> all;
  for (const LayerSpectrum& layer : spectrum.layers) {
    const std::vector<double> values = values_of(layer, index);
    all.insert(all.end(), values.begin(), values.end());
  }
  return mean_of(all);
}

bool has_one_size(const LayerSpectrum& layer) {
  return std::all_of(layer.columns.begin(), layer.columns.end(),
                     [&](int64_t columns) { return columns == layer.columns.front(); });
}

Json head_json(const std::vector<double>& cumulative, size_t head, const Arguments& arguments) {
  const std::vector<int64_t> indices =
      spaced_indices(static_cast<int64_t>(cumulative.size()), arguments.points);
  Json values = Json::array();
  for (const int64_t index : indices) values.push_back(value_at(cumulative, index));
  Json json{{"head", head}};
  if (arguments.points > 0) json["indices"] = indices;
  json["cumulative"] = std::move(values);
  json["at_index"] = value_at(cumulative, arguments.index);
  return json;
}

Json to_json(const AttentionSpectrum& spectrum, const RowSample& sample,
             const Arguments& arguments) {
  Json json = rows_json(sample);
  json["index"] = arguments.index;
  json["mean_at_index"] = mean_of_layers(spectrum, arguments.index);
  Json layers = Json::array();
  for (size_t l = 0; l < spectrum.layers.size(); ++l) {
    const LayerSpectrum& layer = spectrum.layers[l];
    Json heads = Json::array();
    for (size_t h = 0; h < layer.cumulative.size(); ++h) {
      heads.push_back(head_json(layer.cumulative[h], h, arguments));
    }
    layers.push_back(
        {{"layer", l},
         {"type", name_of(layer.type)},
         {"rows", layer.rows},
         {"columns", has_one_size(layer) ? Json(layer.columns.front()) : Json(layer.columns)},
         {"mean_at_index", mean_of(values_of(layer, arguments.index))},
         {"heads", std::move(heads)}});
  }
  json["layers"] = std::move(layers);
  return json;
}

/// "512 x 128", or "512 x 64-128" if heads differ.
std::string size_of(const LayerSpectrum& layer) {
  const auto [least, most] = std::minmax_element(layer.columns.begin(), layer.columns.end());
  std::string text = std::to_string(layer.rows) + " x " + std::to_string(*least);
  if (*least != *most) text += "-" + std::to_string(*most);
  return text;
}

void print_table(const AttentionSpectrum& spectrum, const RowSample& sample, int64_t index) {
  std::printf(
      "sum of the first %lld singular values of the attention matrix / sum of all,\n"
      "mean over %s\n\n",
      static_cast<long long>(index), describe_rows(sample).c_str());
  std::vector<std::vector<std::string>> rows{{"layer", "type", "rows x columns"}};
  for (size_t h = 0; h < spectrum.layers.front().cumulative.size(); ++h) {
    rows.front().push_back("head " + std::to_string(h));
  }
  rows.front().push_back("mean");
  bool all_counted = false;
  for (size_t l = 0; l < spectrum.layers.size(); ++l) {
    const LayerSpectrum& layer = spectrum.layers[l];
    rows.push_back({std::to_string(l), std::string(name_of(layer.type)), size_of(layer)});
    const std::vector<double> values = values_of(layer, index);
    for (const double value : values) rows.back().push_back(format_fixed(value, 4));
    rows.back().push_back(format_fixed(mean_of(values), 4));
    for (const auto& cumulative : layer.cumulative) {
      all_counted = all_counted || static_cast<int64_t>(cumulative.size()) <= index;
    }
  }
  std::printf("%s\nmean of all: %s\n", shown_table(rows).c_str(),
              format_fixed(mean_of_layers(spectrum, index), 4).c_str());
  if (!all_counted) return;
  std::printf("A matrix of k columns has k singular values: from index k on, its value is 1.\n");
}

void resolve(Arguments& arguments, const ModelConfig& config) {
  if (arguments.length == 0) arguments.length = config.max_sequence_length;
  check_row_length("--length", arguments.length, config);
  arguments.index = arguments.wanted_index.value_or(arguments.length / 4);
  if (arguments.index < 1 || arguments.index > arguments.length) {
    fail_usage("--index",
               std::to_string(arguments.index) + ", a matrix of " +
                   std::to_string(arguments.length) + " rows has as many singular values",
               "give 1 to " + std::to_string(arguments.length));
  }
}

void run_spectrum(Arguments& arguments) {
  arguments.rows.check("linformer-eval spectrum");
  install_caching_allocator();
  const int threads = set_num_threads(arguments.threads);
  const std::string folder = find_model_folder(arguments.checkpoint);
  const std::unique_ptr<Model> model = load_model(folder);
  resolve(arguments, model->config());
  const Tokenizer tokenizer = load_tokenizer(folder, model->config());
  defer_stop_signals();  // checked between sequences
  const RowSample sample =
      arguments.rows.read(model->config(), tokenizer, arguments.length, threads);
  WorkProgress progress(
      "singular values",
      static_cast<int64_t>(sample.rows.size()) * model->config().num_hidden_layers,
      "layers of " + format_count(static_cast<int64_t>(sample.rows.size()), "sequence"));
  const AttentionSpectrum spectrum = attention_spectrum(
      *model, sample.rows, [&progress](int64_t layers) { progress.update(layers); });
  progress.clear();
  if (!spectrum.complete) return;  // after a signal: no partial result
  if (arguments.json) {
    std::printf("%s\n", json_text(to_json(spectrum, sample, arguments), 2).c_str());
  } else {
    print_table(spectrum, sample, arguments.index);
  }
}

}  // namespace

void add_spectrum_command(CLI::App& program) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = program.add_subcommand(
      "spectrum", "cumulative singular values of the attention matrices (the paper's figure 1)");
  command
      ->add_option(
          "--checkpoint", arguments->checkpoint,
          "model folder, or a run folder (its newest checkpoint; of a fine-tuned run its best)")
      ->required();
  arguments->rows.add_options(*command);
  command
      ->add_option("--length,--max-sequence-length", arguments->length,
                   "tokens n of every sequence; 0 = the model's")
      ->check(takes_at_least(0));
  command->add_option("--index", arguments->wanted_index,
                      "the number of singular values in the table; n / 4 if left out");
  command
      ->add_option("--points", arguments->points,
                   "with --json: that many evenly spaced indices of each head; 0 = all")
      ->check(takes_at_least(0));
  add_threads_option(*command, arguments->threads);
  command->add_flag("--json", arguments->json, "print the result as JSON");
  add_markdown_option(*command);
  add_examples(*command,
               {"linformer-eval spectrum --checkpoint runs/sample --data data/sample/valid.txt",
                "linformer-eval spectrum --checkpoint roberta --data wiki.test.tokens --index 128 "
                "--json",
                "linformer-eval spectrum --checkpoint runs/imdb --task imdb --input test.tsv "
                "--length 256"});
  command->callback([arguments] { run_spectrum(*arguments); });
}

}  // namespace linformer
