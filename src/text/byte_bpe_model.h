#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "tokenizer_model.h"

namespace linformer {

/// GPT-2's byte-level BPE (Radford et al. 2019), as RoBERTa uses it: words of split_gpt2_words(),
/// their bytes, and merges of neighbours, the earliest of the list first, leftmost first. A byte
/// that has no piece becomes <unk>. Throws RunError if the bytes are not a whole one
/// (byte_bpe_file.h); `name` is for messages.
std::unique_ptr<TokenizerModel> make_byte_bpe_model(std::string_view model_bytes,
                                                    const std::string& name);

}  // namespace linformer
