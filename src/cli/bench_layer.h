#pragma once

#include <cstdint>
#include <vector>

namespace CLI {
class App;
}

namespace linformer {

/// Throws UsageError if the heads do not divide the width.
void check_heads(int64_t hidden_size, int64_t num_attention_heads);
/// Throws UsageError for an odd window.
void check_window(int64_t attention_window);

/// What the options of one attention layer set; the values have to live as long as the command.
struct LayerValues {
  int64_t& hidden_size;
  int64_t& num_attention_heads;
  int64_t& projected_length;
  int64_t& attention_window;
  std::vector<int64_t>& lengths;  ///< n at which the layer is measured
};
void add_layer_options(CLI::App& command, const LayerValues& values);

}  // namespace linformer
