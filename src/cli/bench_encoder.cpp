// linformer-bench encoder: time and memory of whole encoders over n and k, as in the paper.
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

#include "linformer/analysis/encoder_benchmark.h"
#include "linformer/analysis/step_benchmark.h"
#include "linformer/core/error.h"
#include "linformer/core/format.h"
#include "linformer/core/json_text.h"
#include "linformer/core/stop_signal.h"

namespace linformer {

namespace {

using Cells = std::vector<EncoderCell>;
using Json = nlohmann::ordered_json;

constexpr double kGib = 1073741824.0;

struct Arguments {
  EncoderBenchmarkOptions options;
  ComputeOptions compute;
  double max_gib = 4.0;
  double memory_gib = 16.0;
  bool json = false;
};

/// A column of a table: the cells of one variant.
struct Column {
  std::string variant;
  std::optional<int64_t> k;
};

std::vector<Column> linformer_columns(const Arguments& arguments) {
  std::vector<Column> columns;
  for (const int64_t k : arguments.options.projected_lengths) columns.push_back({"linformer", k});
  return columns;
}

std::vector<Column> all_columns(const Arguments& arguments) {
  std::vector<Column> columns{{"standard_unfused", {}}, {"standard", {}}};
  const auto linformers = linformer_columns(arguments);
  columns.insert(columns.end(), linformers.begin(), linformers.end());
  return columns;
}

const EncoderCell* find(const Cells& cells, const Column& column, int64_t n) {
  const auto found = std::find_if(cells.begin(), cells.end(), [&](const EncoderCell& cell) {
    return cell.variant == column.variant && cell.k == column.k && cell.n == n;
  });
  return found == cells.end() ? nullptr : &*found;
}

/// One table in the paper's layout: a row per n, a column per k; "-" where k is not below n.
void print_table(const std::string& title, const Arguments& arguments, const Cells& cells,
                 const std::vector<Column>& columns,
                 const std::function<std::string(const EncoderCell&)>& text) {
  std::vector<std::vector<std::string>> rows{{"n"}};
  for (const Column& column : columns) {
    rows.front().push_back(column.k ? "k = " + std::to_string(*column.k) : column.variant);
  }
  for (const int64_t n : arguments.options.lengths) {
    std::vector<std::string>& row = rows.emplace_back();
    row.push_back(std::to_string(n));
    for (const Column& column : columns) {
      const EncoderCell* cell = find(cells, column, n);
      row.push_back(cell == nullptr ? "-" : text(*cell));
    }
  }
  std::printf("%s\n%s\n", title.c_str(), shown_table(rows).c_str());
}

std::string seconds_text(const EncoderCell& cell) {
  switch (cell.status) {
    case EncoderCellStatus::kTooSlow:
      return "too slow (" + format_duration(*cell.predicted_seconds) + " predicted)";
    case EncoderCellStatus::kTooLarge:
      return "too large";
    case EncoderCellStatus::kMeasured:
      break;
  }
  return format_number(median(cell.seconds), 3);
}

std::string ratio_text(const std::optional<double>& ratio) {
  return ratio ? format_fixed(*ratio, 1) : "n/a";
}

/// A ratio of largest batches. If not even one sequence fits with standard attention, the ratio
/// exceeds the Linformer's own batch.
std::string memory_text(const EncoderCell& cell, const EncoderCell* standard,
                        const std::optional<double>& ratio) {
  if (!ratio && cell.largest_batch && standard->largest_batch == 0) {
    return "> " + std::to_string(*cell.largest_batch);
  }
  return ratio_text(ratio);
}

void print_memory_tables(const Arguments& arguments, const Cells& cells) {
  const std::string memory = format_bytes(arguments.memory_gib * kGib);
  print_table("largest batch in " + memory, arguments, cells, all_columns(arguments),
              [](const EncoderCell& cell) {
                return cell.largest_batch ? std::to_string(*cell.largest_batch) : "n/a";
              });
  const auto columns = linformer_columns(arguments);
  print_table("memory saved, as a ratio of largest batches: against standard_unfused", arguments,
              cells, columns, [&](const EncoderCell& cell) {
                return memory_text(cell, find(cells, {"standard_unfused", {}}, cell.n),
                                   cell.memory_saved_vs_unfused);
              });
  print_table(
      "memory saved: against standard", arguments, cells, columns, [&](const EncoderCell& cell) {
        return memory_text(cell, find(cells, {"standard", {}}, cell.n), cell.memory_saved_vs_fused);
      });
}

void print_tables(const Arguments& arguments, const Cells& cells) {
  const auto columns = linformer_columns(arguments);
  print_table("seconds a batch (median)", arguments, cells, all_columns(arguments), seconds_text);
  print_table("time saved against standard_unfused, the paper's baseline", arguments, cells,
              columns,
              [](const EncoderCell& cell) { return ratio_text(cell.time_saved_vs_unfused); });
  print_table("time saved against standard", arguments, cells, columns,
              [](const EncoderCell& cell) { return ratio_text(cell.time_saved_vs_fused); });
  print_table("FLOPs saved against standard (cost model)", arguments, cells, columns,
              [](const EncoderCell& cell) { return format_fixed(*cell.flop_bound, 2); });
  print_memory_tables(arguments, cells);
}

/// The largest relative difference between the straight line and a measured peak.
double worst_memory_error(const Cells& cells) {
  double worst = 0.0;
  for (const EncoderCell& cell : cells) {
    if (!cell.memory || !cell.peak_bytes) continue;
    const auto line = static_cast<double>(cell.memory->fixed +
                                          cell.memory->per_sequence * cell.sequences_at_a_time);
    const auto peak = static_cast<double>(*cell.peak_bytes);
    worst = std::max(worst, std::abs(line - peak) / peak);
  }
  return worst;
}

void print_text(const Arguments& arguments, const Cells& cells, int threads) {
  const EncoderBenchmarkOptions& options = arguments.options;
  std::printf(
      "encoder of %lld layers of width %lld, %lld heads; forward pass, %s tokens a batch, median "
      "of %lld, %s",
      static_cast<long long>(options.num_hidden_layers),
      static_cast<long long>(options.hidden_size),
      static_cast<long long>(options.num_attention_heads), format_count(options.num_tokens).c_str(),
      static_cast<long long>(options.num_repeats), options.device.str().c_str());
  if (options.device.is_cpu()) std::printf(", %d threads", threads);
  std::printf(
      "\n\n"
      "standard          fused attention: LibTorch's, or this library's where it is faster\n"
      "standard_unfused  scores and probabilities (n x n) written into memory\n"
      "k = K             Linformer, one E for all layers\n"
      "-                 k is not below n\n"
      "n/a               one of the two is missing\n\n"
      "Largest batches are computed: a straight line through the peak memory of tensors at one and "
      "two\nsequences. At the timed batches, it and the measured peak differ by %s %% at most.\n\n",
      format_number(100.0 * worst_memory_error(cells), 2).c_str());
  print_tables(arguments, cells);
}

template <class T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}

Json to_json(const EncoderCell& cell) {
  static constexpr const char* kStatus[] = {"measured", "too slow", "too large"};
  const bool measured = cell.status == EncoderCellStatus::kMeasured;
  const auto extreme = [&](auto pick) {
    return measured ? Json(*pick(cell.seconds.begin(), cell.seconds.end())) : Json();
  };
  using Iterator = std::vector<double>::const_iterator;
  return {
      {"variant", cell.variant},
      {"n", cell.n},
      {"k", or_null(cell.k)},
      {"batch_size", cell.batch_size},
      {"sequences_at_a_time", measured ? Json(cell.sequences_at_a_time) : Json()},
      {"seconds", measured ? Json(median(cell.seconds)) : Json()},
      {"seconds_min", extreme([](Iterator a, Iterator b) { return std::min_element(a, b); })},
      {"seconds_max", extreme([](Iterator a, Iterator b) { return std::max_element(a, b); })},
      {"status", kStatus[static_cast<size_t>(cell.status)]},
      {"predicted_seconds", or_null(cell.predicted_seconds)},
      {"bytes_fixed", cell.memory ? Json(cell.memory->fixed) : Json()},
      {"bytes_per_sequence", cell.memory ? Json(cell.memory->per_sequence) : Json()},
      {"peak_bytes", or_null(cell.peak_bytes)},
      {"largest_batch", or_null(cell.largest_batch)},
      {"flops_per_token", cell.flops_per_token},
      {"time_saved_vs_unfused", or_null(cell.time_saved_vs_unfused)},
      {"time_saved_vs_fused", or_null(cell.time_saved_vs_fused)},
      {"memory_saved_vs_unfused", or_null(cell.memory_saved_vs_unfused)},
      {"memory_saved_vs_fused", or_null(cell.memory_saved_vs_fused)},
      {"flop_bound", or_null(cell.flop_bound)},
  };
}

Json to_json(const Arguments& arguments, const Cells& cells, int threads) {
  const EncoderBenchmarkOptions& options = arguments.options;
  Json json{{"hidden_size", options.hidden_size},
            {"num_attention_heads", options.num_attention_heads},
            {"num_hidden_layers", options.num_hidden_layers},
            {"tokens", options.num_tokens},
            {"repeats", options.num_repeats},
            {"memory_gib", arguments.memory_gib},
            {"device", options.device.str()},
            {"threads", threads},
            {"memory_line_error", worst_memory_error(cells)},
            {"cells", Json::array()}};
  for (const EncoderCell& cell : cells) json["cells"].push_back(to_json(cell));
  return json;
}

/// Ascending, each once.
void tidy(std::vector<int64_t>& numbers) {
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
}

void check(Arguments& arguments) {
  EncoderBenchmarkOptions& options = arguments.options;
  check_heads(options.hidden_size, options.num_attention_heads);
  tidy(options.lengths);
  tidy(options.projected_lengths);
  if (options.projected_lengths.front() >= options.lengths.back()) {
    fail_usage("--projected-lengths",
               "no k is below the longest n = " + std::to_string(options.lengths.back()),
               "give a k below it, e.g. " +
                   std::to_string(std::max<int64_t>(1, options.lengths.back() / 4)));
  }
  options.max_bytes = static_cast<int64_t>(arguments.max_gib * kGib);
  options.memory_bytes = static_cast<int64_t>(arguments.memory_gib * kGib);
}

void run_encoder(Arguments& arguments) {
  check(arguments);
  const auto [device, threads] = start_computing(arguments.compute);
  arguments.options.device = device;
  defer_stop_signals();  // checked between passes
  const Cells cells = benchmark_encoder(arguments.options);
  if (cells.empty()) return;  // stopped by a signal
  if (arguments.json) {
    std::printf("%s\n", json_text(to_json(arguments, cells, threads), 2).c_str());
  } else {
    print_text(arguments, cells, threads);
  }
}

void add_measurement_options(CLI::App& command, Arguments& arguments) {
  EncoderBenchmarkOptions& options = arguments.options;
  command.add_option("--repeats", options.num_repeats, "measured passes, after one warm-up")
      ->check(takes_between(1, 1000))
      ->capture_default_str();
  command
      .add_option("--max-seconds", options.max_seconds,
                  "leave out what is predicted to take longer a pass")
      ->check(takes_above_zero())
      ->capture_default_str();
  command
      .add_option("--max-gib", arguments.max_gib,
                  "memory of a pass: larger batches run in parts, larger sequences are left out")
      ->check(takes_between(1e-6, 1e6))
      ->capture_default_str();
  command
      .add_option("--memory-gib", arguments.memory_gib,
                  "memory for which the largest batch is computed; it need not exist")
      ->check(takes_between(1e-6, 1e6))
      ->capture_default_str();
  add_compute_options(command, arguments.compute);
  command.add_flag("--json", arguments.json, "print the result as JSON");
  add_markdown_option(command);
}

}  // namespace

void add_encoder_command(CLI::App& program) {
  auto arguments = std::make_shared<Arguments>();
  EncoderBenchmarkOptions& options = arguments->options;
  CLI::App* command = program.add_subcommand(
      "encoder", "time and memory of a whole encoder over n and k, as in the paper's Table 3");
  command->add_option("--hidden-size", options.hidden_size, "width; feed-forward: 4 times as wide")
      ->check(takes_above_zero())
      ->capture_default_str();
  command->add_option("--heads", options.num_attention_heads, "heads")
      ->check(takes_above_zero())
      ->capture_default_str();
  command->add_option("--layers", options.num_hidden_layers, "layers")
      ->check(takes_above_zero())
      ->capture_default_str();
  command->add_option("--lengths", options.lengths, "lengths n")
      ->check(takes_above_zero())
      ->capture_default_str();
  command
      ->add_option("--projected-lengths", options.projected_lengths,
                   "k of the Linformers; measured where k < n")
      ->check(takes_above_zero())
      ->capture_default_str();
  command->add_option("--tokens", options.num_tokens, "tokens a batch, at least one sequence")
      ->check(takes_above_zero())
      ->capture_default_str();
  add_measurement_options(*command, *arguments);
  add_examples(*command, {"linformer-bench encoder --hidden-size 256 --heads 4 --layers 2 --tokens "
                          "16384 --lengths 512 2048 8192",
                          "linformer-bench encoder --device cuda --json"});
  command->callback([arguments] { run_encoder(*arguments); });
}

}  // namespace linformer
