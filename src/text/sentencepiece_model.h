#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "tokenizer_model.h"

namespace linformer {

/// Throws RunError if the bytes are not a SentencePiece model; `name` is for messages.
std::unique_ptr<TokenizerModel> make_sentencepiece_model(std::string_view model_bytes,
                                                         const std::string& name);

}  // namespace linformer
