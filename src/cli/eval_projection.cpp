// linformer-eval projection-error: theorems 1 and 2 of the paper and learned projections, measured.
#include <algorithm>
#include <cmath>
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

#include "linformer/analysis/projection_error.h"
#include "linformer/analysis/projection_study.h"
#include "linformer/checkpoint/find_model.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/json_text.h"
#include "linformer/core/stop_signal.h"
#include "linformer/kernels/caching_allocator.h"
#include "linformer/kernels/thread_setup.h"
#include "linformer/metrics/percent.h"
#include "linformer/models/model_folder.h"
#include "linformer/models/model_tokenizer.h"
#include "linformer/report/progress.h"

namespace linformer {

namespace {

using Json = nlohmann::ordered_json;
using Rows = std::vector<std::vector<std::string>>;

struct Arguments {
  std::string checkpoint;
  RowInputs rows;
  ProjectionStudyOptions study;
  int threads = 0;
  bool json = false;
};

/// What was measured, and what it was measured on.
struct Measured {
  const Arguments& arguments;
  RowSample sample;
  ProjectionStudy study;
  int64_t head_size = 0;
};

Json summary_json(const ErrorSummary& summary) {
  return {{"mean", summary.mean},
          {"median", summary.median},
          {"percentile_95", summary.percentile_95},
          {"share_above", summary.shares_above}};
}

Json bounds_json(const Measured& measured) {
  Json bounds = Json::array();
  for (const int64_t n : measured.arguments.study.lengths) {
    for (const double epsilon : measured.arguments.study.epsilons) {
      const Theorem2Lengths second = theorem_2_lengths(n, measured.head_size, epsilon);
      bounds.push_back({{"n", n},
                        {"epsilon", epsilon},
                        {"theorem_1_k", theorem_1_length(n, epsilon)},
                        {"theorem_2_k",
                         {{"statement_n", second.statement_n},
                          {"statement_d", second.statement_d},
                          {"proof_nd", second.proof_nd},
                          {"proof_d", second.proof_d}}}});
    }
  }
  return bounds;
}

/// A theorem's errors of all heads and of each; `add` writes those of one.
template <class Add>
Json theorem_json(const ProjectedErrors& errors, Json json, Add&& add) {
  add(json, errors.all);
  Json heads = Json::array();
  for (const HeadErrors& head : errors.heads) {
    Json entry{{"layer", head.layer}, {"head", head.head}};
    add(entry, head);
    heads.push_back(std::move(entry));
  }
  json["heads"] = std::move(heads);
  return json;
}

Json to_json(const Measured& measured) {
  const ProjectionStudyOptions& options = measured.arguments.study;
  Json json = rows_json(measured.sample);
  json["draws"] = options.num_draws;
  json["seed"] = options.seed;
  json["epsilons"] = options.epsilons;
  json["head_size"] = measured.head_size;
  json["bounds"] = bounds_json(measured);
  Json first = Json::array();
  Json second = Json::array();
  for (const ProjectedErrors& errors : measured.study.standard) {
    first.push_back(theorem_json(errors, {{"n", errors.n}, {"k", errors.k}},
                                 [](Json& entry, const HeadErrors& head) {
                                   entry["random"] = summary_json(head.random);
                                   entry["best"] = summary_json(head.best);
                                 }));
    second.push_back(theorem_json(errors,
                                  {{"n", errors.n}, {"k", errors.k}, {"delta", errors.delta}},
                                  [](Json& entry, const HeadErrors& head) {
                                    entry["of_bound"] = summary_json(head.of_bound);
                                    entry["of_output"] = summary_json(head.of_output);
                                  }));
  }
  json["theorem_1"] = std::move(first);
  json["theorem_2"] = std::move(second);
  Json learned = Json::array();
  for (const LearnedErrors& errors : measured.study.learned) {
    Json entry{{"n", errors.n}, {"layer", errors.layer}, {"head", errors.head}, {"k", errors.k}};
    entry.update(summary_json(errors.errors));
    learned.push_back(std::move(entry));
  }
  json["learned"] = std::move(learned);
  return json;
}

std::string share_text(double share) {
  return percent_text(share, 1);
}

void append_summary(std::vector<std::string>& row, const ErrorSummary& summary) {
  for (const double value : {summary.mean, summary.median, summary.percentile_95}) {
    row.push_back(format_number(value, 3));
  }
  for (const double share : summary.shares_above) row.push_back(share_text(share));
}

std::vector<std::string> summary_header(const std::string& first,
                                        const std::vector<double>& epsilons) {
  std::vector<std::string> header{first, "mean", "median", "95 %"};
  for (const double epsilon : epsilons) header.push_back("> " + format_number(epsilon));
  return header;
}

std::string length_text(double k) {
  return format_count(static_cast<int64_t>(std::ceil(k)));
}

/// Calls `visit` with the errors of each k at one n.
template <class Visit>
void for_each_k(const Measured& measured, int64_t n, Visit&& visit) {
  for (const ProjectedErrors& errors : measured.study.standard) {
    if (errors.n == n) visit(errors);
  }
}

void print_first_theorem(const Measured& measured, int64_t n) {
  const std::vector<double>& epsilons = measured.arguments.study.epsilons;
  std::printf("\ntheorem 1, n = %lld: |P R^T R w - P w| / |P w| over columns w of V\n",
              static_cast<long long>(n));
  Rows rows{summary_header("k", epsilons)};
  rows.front().push_back("best of rank k: mean");
  for_each_k(measured, n, [&](const ProjectedErrors& errors) {
    rows.push_back({std::to_string(errors.k)});
    append_summary(rows.back(), errors.all.random);
    rows.back().push_back(format_number(errors.all.best.mean, 3));
  });
  std::printf("%s", shown_table(rows).c_str());
  Rows layers{{"mean by layer"}};
  for_each_k(measured, n, [&](const ProjectedErrors& errors) {
    layers.front().push_back("k = " + std::to_string(errors.k));
    size_t row = 0;
    for (size_t h = 0; h < errors.heads.size();) {
      const int64_t layer = errors.heads[h].layer;
      double sum = 0.0;
      double count = 0.0;
      for (; h < errors.heads.size() && errors.heads[h].layer == layer; ++h, ++count) {
        sum += errors.heads[h].random.mean;
      }
      if (++row == layers.size()) layers.push_back({"layer " + std::to_string(layer)});
      layers[row].push_back(format_number(sum / count, 3));
    }
  });
  std::printf("\n%s", shown_table(layers).c_str());
}

void print_second_theorem(const Measured& measured, int64_t n) {
  double delta = 0.0;
  const std::vector<double>& epsilons = measured.arguments.study.epsilons;
  Rows rows{summary_header("k", epsilons)};
  rows.front().insert(rows.front().end(), {"of |output|: mean", "median"});
  for_each_k(measured, n, [&](const ProjectedErrors& errors) {
    delta = errors.delta;
    rows.push_back({std::to_string(errors.k)});
    append_summary(rows.back(), errors.all.of_bound);
    rows.back().push_back(format_number(errors.all.of_output.mean, 3));
    rows.back().push_back(format_number(errors.all.of_output.median, 3));
  });
  std::printf(
      "\ntheorem 2, n = %lld, delta = %s: |softmax(w E^T) F V - softmax(w) V| over rows w of\n"
      "Q K^T / sqrt(d), relative to |softmax(w)| |V|, and to |softmax(w) V|\n%s",
      static_cast<long long>(n), format_number(delta).c_str(), shown_table(rows).c_str());
}

void print_bounds(const Measured& measured, int64_t n) {
  std::printf(
      "\nk that the theorems ask for, n = %lld, d = %lld: theorem 1; theorem 2 in its statement "
      "(the\n"
      "smaller of two) and in its proof (two steps)\n",
      static_cast<long long>(n), static_cast<long long>(measured.head_size));
  Rows rows{{"epsilon", "5 ln n / (e^2 - e^3)", "5 ln n / e^2", "9 d ln d / e^2",
             "5 ln(n d) / (e^2 - e^3)", "9 ln d / (e^2 - e^3)"}};
  for (const double epsilon : measured.arguments.study.epsilons) {
    const Theorem2Lengths second = theorem_2_lengths(n, measured.head_size, epsilon);
    rows.push_back({format_number(epsilon), length_text(theorem_1_length(n, epsilon)),
                    length_text(second.statement_n), length_text(second.statement_d),
                    length_text(second.proof_nd), length_text(second.proof_d)});
  }
  std::printf("%s", shown_table(rows).c_str());
}

void print_learned(const Measured& measured, int64_t n) {
  std::printf("\nlearned projections, n = %lld: |(P-bar F - P) w| / |P w| over columns w of V\n",
              static_cast<long long>(n));
  Rows rows{summary_header("layer", measured.arguments.study.epsilons)};
  rows.front().insert(rows.front().begin() + 1, {"head", "k"});
  for (const LearnedErrors& errors : measured.study.learned) {
    if (errors.n != n) continue;
    rows.push_back(
        {std::to_string(errors.layer), std::to_string(errors.head), std::to_string(errors.k)});
    append_summary(rows.back(), errors.errors);
  }
  std::printf("%s", shown_table(rows).c_str());
}

void print_tables(const Measured& measured) {
  const ProjectionStudyOptions& options = measured.arguments.study;
  const bool standard = !measured.study.standard.empty();
  std::printf("%s\n", describe_rows(measured.sample).c_str());
  if (standard) {
    std::printf("%lld draws of R for each sequence, seed %llu; all standard layers and heads\n",
                static_cast<long long>(options.num_draws),
                static_cast<unsigned long long>(options.seed));
  } else {
    std::printf("No layer of type standard: the theorems are not measured.\n");
  }
  for (const int64_t n : options.lengths) {
    if (standard) {
      print_first_theorem(measured, n);
      print_second_theorem(measured, n);
      print_bounds(measured, n);
    }
    if (!measured.study.learned.empty()) print_learned(measured, n);
  }
}

void check_epsilons(const std::vector<double>& epsilons) {
  for (const double epsilon : epsilons) {
    if (epsilon > 0.0 && epsilon < 1.0) continue;
    fail_usage("--epsilons", format_number(epsilon) + " is not between 0 and 1",
               "give errors such as 0.1,0.25,0.5");
  }
}

/// Fills in the lengths that were left out and checks all of them.
void resolve(ProjectionStudyOptions& options, const ModelConfig& config,
             const std::string& folder) {
  const auto has = [&](AttentionType type) { return config.attention.type.any(type); };
  const bool standard = has(AttentionType::kStandard);
  if (!standard && !has(AttentionType::kLinformer)) {
    fail_run(folder, "has no layer of type standard or linformer",
             "take a model with such layers (model.attention.type)");
  }
  if (!standard && !options.projected_lengths.empty()) {
    fail_usage("--projected-lengths",
               folder + " has no layer of type standard, whose matrices the theorems are about",
               "leave it out to measure the learned projections alone");
  }
  if (options.lengths.empty()) options.lengths = {config.max_sequence_length};
  for (const int64_t n : options.lengths) check_row_length("--lengths", n, config);
  if (!standard) return;
  const int64_t shortest = *std::min_element(options.lengths.begin(), options.lengths.end());
  if (options.projected_lengths.empty()) {
    for (const int64_t part : {16, 8, 4, 2}) {
      if (shortest >= part) options.projected_lengths.push_back(shortest / part);
    }
  }
  for (const int64_t k : options.projected_lengths) {
    if (k >= 1 && k <= shortest) continue;
    fail_usage("--projected-lengths",
               std::to_string(k) + " rows of sequences of n = " + std::to_string(shortest),
               "give k from 1 to " + std::to_string(shortest));
  }
}

void run_projection_error(Arguments& arguments) {
  arguments.rows.check("linformer-eval projection-error");
  check_epsilons(arguments.study.epsilons);
  install_caching_allocator();
  const int threads = set_num_threads(arguments.threads);
  const std::string folder = find_model_folder(arguments.checkpoint);
  const std::unique_ptr<Model> model = load_model(folder);
  resolve(arguments.study, model->config(), folder);
  const Tokenizer tokenizer = load_tokenizer(folder, model->config());
  defer_stop_signals();  // checked between sequences
  const std::vector<int64_t>& lengths = arguments.study.lengths;
  const int64_t longest = *std::max_element(lengths.begin(), lengths.end());
  Measured measured{arguments,
                    arguments.rows.read(model->config(), tokenizer, longest, threads),
                    {},
                    model->config().head_size()};
  const auto num_sequences = static_cast<int64_t>(measured.sample.rows.size());
  WorkProgress progress(
      "projecting",
      num_sequences * model->config().num_hidden_layers * static_cast<int64_t>(lengths.size()),
      "layers of " + format_count(num_sequences, "sequence"));
  measured.study = study_projections(
      *model, measured.sample.rows, arguments.study,
      [&progress](int64_t layers, double share) { progress.update_share(layers, share); });
  progress.clear();
  if (!measured.study.complete) return;  // after a signal: no partial result
  if (arguments.json) {
    std::printf("%s\n", json_text(to_json(measured), 2).c_str());
  } else {
    print_tables(measured);
  }
}

void add_study_options(CLI::App& command, ProjectionStudyOptions& options) {
  command.add_option("--lengths", options.lengths, "n, e.g. 128,512; the model's if left out")
      ->delimiter(',');
  command
      .add_option("--projected-lengths", options.projected_lengths,
                  "k of the random R; n / 16, n / 8, n / 4 and n / 2 of the shortest n if left out")
      ->delimiter(',');
  command.add_option("--epsilons", options.epsilons, "also print the share of errors above these")
      ->delimiter(',')
      ->capture_default_str();
  command.add_option("--draws", options.num_draws, "random R for each sequence, n and k")
      ->check(takes_above_zero())
      ->capture_default_str();
  command.add_option("--delta", options.delta, "of theorem 2; 1 / n if left out")
      ->check(takes_above_zero());
  command.add_option("--seed", options.seed, "of R")->capture_default_str();
}

}  // namespace

void add_projection_error_command(CLI::App& program) {
  auto arguments = std::make_shared<Arguments>();
  arguments->rows.max_sequences = 10;
  CLI::App* command = program.add_subcommand(
      "projection-error", "the paper's theorems 1 and 2, and learned projections, measured");
  command
      ->add_option(
          "--checkpoint", arguments->checkpoint,
          "model folder, or a run folder (its newest checkpoint; of a fine-tuned run its best)")
      ->required();
  arguments->rows.add_options(*command);
  add_study_options(*command, arguments->study);
  add_threads_option(*command, arguments->threads);
  command->add_flag("--json", arguments->json, "print the result as JSON");
  add_markdown_option(*command);
  add_examples(
      *command,
      {"linformer-eval projection-error --checkpoint runs/sample --data data/sample/valid.txt",
       "linformer-eval projection-error --checkpoint roberta --data wiki.test.tokens --lengths "
       "128,512 --projected-lengths 32,64,128 --json"});
  command->callback([arguments] { run_projection_error(*arguments); });
}

}  // namespace linformer
