// linformer-bench attention: time and memory of each kind of attention over n.
#include <algorithm>
#include <cstdio>
#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "bench_commands.h"
#include "bench_layer.h"
#include "compute_options.h"
#include "option_checks.h"
#include "program.h"
#include "table_output.h"

#include "linformer/analysis/attention_benchmark.h"
#include "linformer/analysis/step_benchmark.h"
#include "linformer/core/format.h"
#include "linformer/core/json_text.h"
#include "linformer/core/stop_signal.h"
#include "linformer/kernels/caching_allocator.h"
#include "linformer/kernels/thread_setup.h"

namespace linformer {

namespace {

using Measurements = std::vector<AttentionMeasurement>;

struct Arguments {
  AttentionBenchmarkOptions options;
  double max_gib = 4.0;
  int threads = 0;
  bool json = false;
};

const AttentionMeasurement& find(const Measurements& all, const std::string& variant, int64_t n) {
  return *std::find_if(all.begin(), all.end(), [&](const AttentionMeasurement& m) {
    return m.variant == variant && m.n == n;
  });
}

/// One table: a row per variant, a column per length.
template <class Cell>
void print_table(const std::string& title, const Arguments& arguments, const Measurements& all,
                 Cell&& cell) {
  std::vector<std::vector<std::string>> rows{{title}};
  for (const int64_t n : arguments.options.lengths) {
    rows.front().push_back("n = " + std::to_string(n));
  }
  for (const AttentionMeasurement& first : all) {
    if (first.n != arguments.options.lengths.front()) break;
    std::vector<std::string>& row = rows.emplace_back();
    row.push_back(first.variant);
    for (const int64_t n : arguments.options.lengths) {
      const AttentionMeasurement& one = find(all, first.variant, n);
      row.push_back(one.measured ? cell(one) : "-");
    }
  }
  std::printf("%s\n", shown_table(rows).c_str());
}

void print_tables(const Arguments& arguments, const Measurements& all) {
  const auto milliseconds = [](const std::vector<double>& seconds) {
    return format_number(1e3 * median(seconds), 3);
  };
  print_table("forward, ms", arguments, all,
              [&](const AttentionMeasurement& one) { return milliseconds(one.forward_seconds); });
  print_table("forward and backward, ms", arguments, all,
              [&](const AttentionMeasurement& one) { return milliseconds(one.training_seconds); });
  print_table("times as fast as standard", arguments, all, [&](const AttentionMeasurement& one) {
    const AttentionMeasurement& standard = find(all, "standard", one.n);
    return format_fixed(median(standard.training_seconds) / median(one.training_seconds), 2);
  });
  print_table("peak memory, forward and backward", arguments, all,
              [](const AttentionMeasurement& one) {
                return format_bytes(static_cast<double>(one.training_bytes));
              });
}

nlohmann::ordered_json to_json(const Arguments& arguments, const Measurements& all, int threads) {
  using Json = nlohmann::ordered_json;
  const AttentionBenchmarkOptions& options = arguments.options;
  Json json{{"hidden_size", options.hidden_size},
            {"num_attention_heads", options.num_attention_heads},
            {"projected_length", options.projected_length},
            {"attention_window", options.attention_window},
            {"threads", threads},
            {"measurements", Json::array()}};
  for (const AttentionMeasurement& one : all) {
    Json entry{{"variant", one.variant}, {"n", one.n}, {"batch_size", one.batch_size}};
    const bool measured = one.measured;
    entry["forward_seconds"] = measured ? Json(median(one.forward_seconds)) : Json();
    entry["training_seconds"] = measured ? Json(median(one.training_seconds)) : Json();
    entry["forward_bytes"] = measured ? Json(one.forward_bytes) : Json();
    entry["training_bytes"] = measured ? Json(one.training_bytes) : Json();
    json["measurements"].push_back(std::move(entry));
  }
  return json;
}

void run_attention(Arguments& arguments) {
  AttentionBenchmarkOptions& options = arguments.options;
  check_heads(options.hidden_size, options.num_attention_heads);
  check_window(options.attention_window);
  options.max_bytes = static_cast<int64_t>(arguments.max_gib * 1073741824.0);
  install_caching_allocator();
  const int threads = set_num_threads(arguments.threads);
  defer_stop_signals();  // checked between calls
  const Measurements all = benchmark_attention(options);
  if (all.empty()) return;  // stopped by a signal
  if (arguments.json) {
    std::printf("%s\n", json_text(to_json(arguments, all, threads), 2).c_str());
    return;
  }
  std::printf(
      "one attention layer of width %lld, %lld heads, k = %lld, window %lld; %lld tokens a "
      "batch, %d threads, median of %lld\n\n",
      static_cast<long long>(options.hidden_size),
      static_cast<long long>(options.num_attention_heads),
      static_cast<long long>(options.projected_length),
      static_cast<long long>(options.attention_window), static_cast<long long>(options.num_tokens),
      threads, static_cast<long long>(options.num_repeats));
  print_tables(arguments, all);
}

}  // namespace

void add_attention_command(CLI::App& program) {
  auto arguments = std::make_shared<Arguments>();
  AttentionBenchmarkOptions& options = arguments->options;
  CLI::App* command = program.add_subcommand(
      "attention", "time and memory of one layer of each kind of attention over the length n");
  add_layer_options(*command,
                    {options.hidden_size, options.num_attention_heads, options.projected_length,
                     options.attention_window, options.lengths});
  command->add_option("--tokens", options.num_tokens, "tokens a batch")
      ->check(takes_above_zero())
      ->capture_default_str();
  command->add_option("--repeats", options.num_repeats, "measured calls")
      ->check(takes_above_zero())
      ->capture_default_str();
  command->add_option("--max-gib", arguments->max_gib, "leave out what needs more memory")
      ->check(takes_above_zero())
      ->capture_default_str();
  add_threads_option(*command, arguments->threads);
  command->add_flag("--json", arguments->json, "print the result as JSON");
  add_markdown_option(*command);
  add_examples(*command, {"linformer-bench attention",
                          "linformer-bench attention --hidden-size 768 --heads 12 --lengths 512 "
                          "2048 8192 --json"});
  command->callback([arguments] { run_attention(*arguments); });
}

}  // namespace linformer
