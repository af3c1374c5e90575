#pragma once

#include <string>
#include <vector>

#include "cli/data_fixture.h"

namespace linformer {

/// Shards of the sample corpus and the configuration of a model that trains in a second.
class TrainProgramTest : public DataProgramTest {
 protected:
  void SetUp() override {
    ASSERT_EQ(
        data({"prepare", "--input", text(), "--output", file("train"), "--tokenizer", model()})
            .exit_code,
        0);
    ASSERT_EQ(data({"prepare", "--input", valid_text(), "--output", file("valid"), "--tokenizer",
                    model()})
                  .exit_code,
              0);
    write_file_atomically(config(), R"(
tokenizer: {model: )" + model() + R"(}
data: {train: [)" + file("train") + R"(], valid: [)" +
                                        file("valid") + R"(]}
model:
  hidden_size: 16
  num_hidden_layers: 2
  num_attention_heads: 2
  intermediate_size: 32
  max_sequence_length: 64
  attention: {projected_length: 16}
training:
  precision: fp32
  max_steps: 60
  global_batch_size: 4
  micro_batch_size: 2
  learning_rate: 1.0e-3
  schedule: {type: constant}
evaluation: {every: 30, max_sequences: 20}
checkpoint: {every: 10}
)");
  }

  std::string config() const { return file("pretrain.yaml"); }

  /// Trains in the run folder `name`; `settings` are --set arguments.
  ProgramResult train(const std::string& name, const std::vector<std::string>& settings = {},
                      const ProgramOptions& options = {},
                      const std::vector<std::string>& more = {}) const {
    std::vector<std::string> command{"linformer-train", "--config", config(), "--set",
                                     "run.dir=" + file(name)};
    for (const std::string& setting : settings) {
      command.push_back("--set");
      command.push_back(setting);
    }
    command.insert(command.end(), more.begin(), more.end());
    return run_child(command, options);
  }

  ProgramResult perplexity(const std::vector<std::string>& arguments) const {
    std::vector<std::string> command{"linformer-eval", "perplexity"};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return run_child(command);
  }

  /// Every weight and every moment of a checkpoint, as bytes.
  std::string bits_of(const std::string& name, const std::string& step) const {
    const std::string folder = file(name) + "/checkpoints/" + step + "/";
    return read_text_file(folder + "model.safetensors") +
           read_text_file(folder + "training/optimizer.safetensors");
  }
};

}  // namespace linformer
