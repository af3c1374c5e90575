// linformer-bench operations: how many operations each kind of attention executes, over n.
#include <algorithm>
#include <cstdio>
#include <functional>
#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "bench_commands.h"
#include "bench_layer.h"
#include "compute_options.h"
#include "option_checks.h"
#include "program.h"
#include "table_output.h"

#include "linformer/analysis/operation_benchmark.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/json_text.h"
#include "linformer/core/stop_signal.h"
#include "linformer/kernels/caching_allocator.h"
#include "linformer/kernels/thread_setup.h"

namespace linformer {

namespace {

using AllSeries = std::vector<OperationSeries>;
using Json = nlohmann::ordered_json;

struct Arguments {
  OperationBenchmarkOptions options;
  int threads = 0;
  bool json = false;
};

/// One table: a row per kind, a column per length; "-" where a kind is impossible.
void print_table(const std::string& title, const AllSeries& all,
                 const std::function<std::string(const OperationMeasurement&)>& text) {
  std::vector<std::vector<std::string>> rows{{title}};
  for (const OperationMeasurement& one : all.front().measurements) {
    rows.front().push_back("n = " + std::to_string(one.n));
  }
  for (const OperationSeries& series : all) {
    std::vector<std::string>& row = rows.emplace_back();
    row.push_back(series.variant);
    for (const OperationMeasurement& one : series.measurements) {
      row.push_back(one.counts ? text(one) : "-");
    }
  }
  std::printf("%s\n", shown_table(rows).c_str());
}

std::string growth_text(const std::optional<Growth>& growth) {
  if (!growth) return "-";
  std::string text = format_fixed(growth->exponent, 3);
  if (growth->standard_error) text += " +- " + format_fixed(*growth->standard_error, 3);
  return text;
}

std::string calls_text(const OperationSeries& series) {
  int64_t least = -1, most = -1;
  for (const OperationMeasurement& one : series.measurements) {
    if (!one.counts) continue;
    least = least < 0 ? one.counts->num_calls : std::min(least, one.counts->num_calls);
    most = std::max(most, one.counts->num_calls);
  }
  if (least < 0) return "-";
  return least == most ? std::to_string(least)
                       : std::to_string(least) + " to " + std::to_string(most);
}

void print_text(const Arguments& arguments, const AllSeries& all) {
  const OperationBenchmarkOptions& options = arguments.options;
  std::printf(
      "one attention layer of width %lld, %lld heads, k = %lld, window %lld; multiply-adds of the "
      "matrix\nproducts that a forward pass of one sequence executed, without output matrix\n\n",
      static_cast<long long>(options.hidden_size),
      static_cast<long long>(options.num_attention_heads),
      static_cast<long long>(options.projected_length),
      static_cast<long long>(options.attention_window));
  const auto millions = [](double count) { return format_number(1e-6 * count, 4); };
  print_table("attention part, millions", all, [&](const OperationMeasurement& one) {
    return millions(static_cast<double>(one.counts->other_multiply_adds));
  });
  print_table("query, key, value, millions", all, [&](const OperationMeasurement& one) {
    return millions(static_cast<double>(one.counts->weight_multiply_adds));
  });
  print_table("both / cost model", all, [&](const OperationMeasurement& one) {
    return format_fixed(static_cast<double>(one.counts->multiply_adds()) / one.model_multiply_adds,
                        3);
  });
  std::vector<std::vector<std::string>> rows{
      {"growth, n^x", "x of attention part", "x of both", "operator calls"}};
  for (const OperationSeries& series : all) {
    rows.push_back({series.variant, growth_text(series.attention), growth_text(series.whole),
                    calls_text(series)});
  }
  std::printf("%s", shown_table(rows).c_str());
}

Json to_json(const std::optional<Growth>& growth) {
  if (!growth) return {};
  return {{"exponent", growth->exponent},
          {"standard_error", growth->standard_error ? Json(*growth->standard_error) : Json()}};
}

Json to_json(const OperationMeasurement& one) {
  Json json{{"n", one.n}};
  const auto add = [&](const char* key, auto value) {
    json[key] = one.counts ? Json(value(*one.counts)) : Json();
  };
  add("attention_multiply_adds", [](const auto& counts) { return counts.other_multiply_adds; });
  add("weight_multiply_adds", [](const auto& counts) { return counts.weight_multiply_adds; });
  add("multiply_adds", [](const auto& counts) { return counts.multiply_adds(); });
  add("model_multiply_adds", [&](const auto&) { return one.model_multiply_adds; });
  add("operator_calls", [](const auto& counts) { return counts.num_calls; });
  return json;
}

Json to_json(const Arguments& arguments, const AllSeries& all) {
  const OperationBenchmarkOptions& options = arguments.options;
  Json json{{"hidden_size", options.hidden_size},
            {"num_attention_heads", options.num_attention_heads},
            {"projected_length", options.projected_length},
            {"attention_window", options.attention_window},
            {"lengths", options.lengths},
            {"kinds", Json::array()}};
  for (const OperationSeries& series : all) {
    Json entry{{"variant", series.variant},
               {"attention_growth", to_json(series.attention)},
               {"whole_growth", to_json(series.whole)},
               {"measurements", Json::array()}};
    for (const OperationMeasurement& one : series.measurements) {
      entry["measurements"].push_back(to_json(one));
    }
    json["kinds"].push_back(std::move(entry));
  }
  return json;
}

void check(OperationBenchmarkOptions& options) {
  check_heads(options.hidden_size, options.num_attention_heads);
  check_window(options.attention_window);
  std::sort(options.lengths.begin(), options.lengths.end());
  options.lengths.erase(std::unique(options.lengths.begin(), options.lengths.end()),
                        options.lengths.end());
  if (options.lengths.size() < 2) {
    fail_usage("--lengths", "one length shows no growth", "give two or more different lengths");
  }
}

void run_operations(Arguments& arguments) {
  check(arguments.options);
  install_caching_allocator();
  set_num_threads(arguments.threads);
  defer_stop_signals();  // checked between layers
  const AllSeries all = benchmark_operations(arguments.options);
  if (all.empty()) return;  // stopped by a signal
  if (arguments.json) {
    std::printf("%s\n", json_text(to_json(arguments, all), 2).c_str());
  } else {
    print_text(arguments, all);
  }
}

}  // namespace

void add_operations_command(CLI::App& program) {
  auto arguments = std::make_shared<Arguments>();
  OperationBenchmarkOptions& options = arguments->options;
  CLI::App* command = program.add_subcommand(
      "operations", "multiply-adds that each kind of attention executes, and how they grow with n");
  add_layer_options(*command,
                    {options.hidden_size, options.num_attention_heads, options.projected_length,
                     options.attention_window, options.lengths});
  add_threads_option(*command, arguments->threads);
  command->add_flag("--json", arguments->json, "print the result as JSON");
  add_markdown_option(*command);
  add_examples(*command, {"linformer-bench operations",
                          "linformer-bench operations --lengths 256 512 1024 --json"});
  command->callback([arguments] { run_operations(*arguments); });
}

}  // namespace linformer
