// Builds a small Linformer through the installed headers and library and counts its parameters.
#include <cstdio>

#include "linformer/config/model_config.h"
#include "linformer/nn/model.h"

int main() {
  linformer::ModelConfig config;
  config.vocab_size = 100;
  config.hidden_size = 16;
  config.num_hidden_layers = 1;
  config.num_attention_heads = 2;
  config.intermediate_size = 64;
  config.max_sequence_length = 32;
  const linformer::Model model(config, 1);
  std::printf("parameters %lld\n", static_cast<long long>(model.parameters().count()));
}
