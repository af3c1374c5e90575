#pragma once

#include <functional>
#include <string>

#include "cli/data_fixture.h"

#include "linformer/checkpoint/model_config_json.h"
#include "linformer/models/model_folder.h"

namespace linformer {

/// Model folders with random weights and the tokenizer of the sample corpus.
class SmallModelTest : public DataProgramTest {
 protected:
  void make_model(const std::string& name, const HeadConfig& head,
                  const std::function<void(ModelConfig&)>& change = {}) const {
    ModelConfig config;
    config.vocab_size = 1000;
    config.hidden_size = 16;
    config.num_hidden_layers = 2;
    config.num_attention_heads = 2;
    config.intermediate_size = 32;
    config.max_sequence_length = 32;
    config.initializer_range = 0.3;
    config.attention.projected_length = 8;
    if (change) change(config);
    make_directories(file(name));
    save_model_files(file(name), to_config_json(config, head),
                     saved_tensors(Model(config, head, 1)), read_text_file(model()));
  }

  static std::vector<std::string> lines_of(const std::string& out) {
    std::vector<std::string> all;
    for (size_t begin = 0; begin < out.size();) {
      const size_t end = out.find('\n', begin);
      all.push_back(out.substr(begin, end - begin));
      begin = end + 1;
    }
    return all;
  }
};

}  // namespace linformer
