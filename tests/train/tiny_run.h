#pragma once

#include <cstdio>
#include <sstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/temporary_folder.h"
#include "data/fixtures.h"
#include "text/fixtures.h"

#include "linformer/config/pretrain_config.h"
#include "linformer/core/atomic_file.h"
#include "linformer/text/tokenizer.h"

namespace linformer {

/// Both safetensors files of a checkpoint, as bytes: every weight and every moment.
inline std::string bits_of(const std::string& run, int64_t step) {
  char name[32];
  std::snprintf(name, sizeof(name), "step-%08ld", static_cast<long>(step));
  const std::string folder = run + "/checkpoints/" + name;
  return read_text_file(folder + "/model.safetensors") +
         read_text_file(folder + "/training/optimizer.safetensors");
}

/// The lines of log.jsonl.
inline std::vector<nlohmann::json> log_of(const std::string& run) {
  std::vector<nlohmann::json> lines;
  std::istringstream text(read_text_file(run + "/log.jsonl"));
  for (std::string line; std::getline(text, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

/// A run small enough for a test: a tokenizer, shards of random documents, a model of width 16.
class TinyRun {
 public:
  TinyRun() {
    const Tokenizer& words = unigram_tokenizer();
    write_file_atomically(tokenizer_path(), words.model_bytes());
    const ShardSettings settings{words.vocab_size(), words.hash(), 0};
    write_shards(folder_.file("train"), random_documents(1, 60, words.vocab_size()), 2, settings);
    write_shards(folder_.file("valid"), random_documents(2, 12, words.vocab_size()), 1, settings);
  }

  std::string file(const std::string& name) const { return folder_.file(name); }
  std::string tokenizer_path() const { return folder_.file("tokenizer.model"); }

  /// Twelve steps of eight sequences, with dropout, in the run folder `name`.
  PretrainConfig config(const std::string& name) const {
    PretrainConfig config;
    config.run.dir = folder_.file(name);
    config.tokenizer.model = tokenizer_path();
    config.data.train = {folder_.file("train")};
    config.data.valid = {folder_.file("valid")};
    config.model.hidden_size = 16;
    config.model.num_hidden_layers = 2;
    config.model.num_attention_heads = 2;
    config.model.intermediate_size = 32;
    config.model.max_sequence_length = 24;
    config.model.attention.projected_length = 6;
    config.training.max_steps = 12;
    config.training.global_batch_size = 8;
    config.training.micro_batch_size = 4;
    config.training.learning_rate = 1e-2;
    config.evaluation.every = 4;
    config.checkpoint.every = 4;
    config.logging.every = 1;
    return config;
  }

 private:
  TemporaryFolder folder_;
};

}  // namespace linformer
