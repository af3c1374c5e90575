#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "tokenizer_model.h"

namespace linformer {

/// GPT-2's byte-level BPE (Radford et al. 2019), as RoBERTa uses it. The words of
/// gpt2_word_end() are written as bytes, and neighbours are merged, the earliest merge of the
/// list first, leftmost first. A byte without a piece becomes <unk>. Throws RunError if the bytes
/// are not a complete tokenizer (byte_bpe_file.h); `name` is for messages.
std::unique_ptr<TokenizerModel> make_byte_bpe_model(std::string_view model_bytes,
                                                    const std::string& name);

}  // namespace linformer
