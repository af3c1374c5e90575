#include "linformer/models/model_tokenizer.h"

#include <filesystem>

#include "linformer/core/error.h"

namespace linformer {

void check_vocab_size(const Tokenizer& tokenizer, const ModelConfig& config) {
  if (tokenizer.vocab_size() == config.vocab_size) return;
  fail_run(tokenizer.name(),
           std::to_string(tokenizer.vocab_size()) + " pieces, the model beside it has " +
               std::to_string(config.vocab_size),
           tokenizer.vocab_size() < config.vocab_size
               ? "put the tokenizer that the model was trained with beside it; linformer-convert "
                 "import removes rows only if they fill the vocabulary up to a multiple of 8, "
                 "16, ... or 1024"
               : "put the tokenizer that the model was trained with beside it");
}

std::optional<Tokenizer> find_tokenizer(const std::string& folder, const ModelConfig& config) {
  const std::string path = folder + "/tokenizer.model";
  if (!std::filesystem::exists(path)) return std::nullopt;
  Tokenizer tokenizer = Tokenizer::load(path);
  check_vocab_size(tokenizer, config);
  return tokenizer;
}

Tokenizer load_tokenizer(const std::string& folder, const ModelConfig& config) {
  std::optional<Tokenizer> tokenizer = find_tokenizer(folder, config);
  if (!tokenizer) {
    fail_run(
        folder, "has no tokenizer.model, so texts cannot be read",
        "put the model's tokenizer.model (SentencePiece) beside config.json; linformer-convert "
        "import makes one of RoBERTa's vocab.json and merges.txt, or of its tokenizer.json");
  }
  return std::move(*tokenizer);
}

}  // namespace linformer
