#pragma once

#include <optional>
#include <string>

#include "linformer/config/model_config.h"
#include "linformer/text/tokenizer.h"

namespace linformer {

/// Throws RunError if the tokenizer has another number of pieces than the model.
void check_vocab_size(const Tokenizer& tokenizer, const ModelConfig& config);

/// FOLDER/tokenizer.model, or nothing if there is none. Throws RunError if it has another number of
/// pieces than the model.
std::optional<Tokenizer> find_tokenizer(const std::string& folder, const ModelConfig& config);

/// The same; throws RunError if there is none.
Tokenizer load_tokenizer(const std::string& folder, const ModelConfig& config);

}  // namespace linformer
