#include "bench_layer.h"

#include <string>

#include <CLI/CLI.hpp>

#include "option_checks.h"

#include "linformer/core/error.h"

namespace linformer {

void check_heads(int64_t hidden_size, int64_t num_attention_heads) {
  if (hidden_size % num_attention_heads == 0) return;
  fail_usage("--heads",
             std::to_string(num_attention_heads) + " heads do not divide width " +
                 std::to_string(hidden_size),
             "give a divisor of --hidden-size");
}

void check_window(int64_t attention_window) {
  if (attention_window % 2 == 0) return;
  fail_usage("--window", std::to_string(attention_window) + " is odd",
             "give an even width, half of it on each side");
}

void add_layer_options(CLI::App& command, const LayerValues& values) {
  const auto positive = [&](const char* name, auto& value, const char* help) {
    command.add_option(name, value, help)->check(takes_above_zero())->capture_default_str();
  };
  positive("--hidden-size", values.hidden_size, "width C");
  positive("--heads", values.num_attention_heads, "heads");
  positive("--projected-length", values.projected_length, "k");
  positive("--window", values.attention_window, "window of local_window");
  positive("--lengths", values.lengths, "lengths n");
}

}  // namespace linformer
