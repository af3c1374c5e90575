#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace linformer {

/// The content of the files of RoBERTa's tokenizer, GPT-2's byte-level BPE. Pieces are written in
/// GPT-2's 256 printable characters; a blank is U+0120.
struct ByteBpe {
  std::vector<std::string> vocabulary;                      ///< in the order of ids
  std::vector<std::pair<std::string, std::string>> merges;  ///< earlier merges come first
  /// Whether the white space before <mask> is part of <mask> (`lstrip` in transformers).
  bool mask_takes_white_space = true;
};

/// True if these bytes of a tokenizer.model begin with the mark of a byte-level BPE.
bool is_byte_bpe(std::string_view model_bytes);

/// The tokenizer as one file: a line that names the format, then JSON with "vocabulary" and
/// "merges" ("a b"), and with "mask_takes_white_space" if that is false. The same tokenizer gives
/// the same bytes.
std::string to_model_bytes(const ByteBpe& bpe);
/// Reads such a file; throws RunError if it is damaged.
ByteBpe parse_byte_bpe(std::string_view model_bytes, const std::string& name);

/// The tokenizer of a Hugging Face folder, from vocab.json and merges.txt, else from
/// tokenizer.json. Nothing if these files are missing or tokenizer.json holds no byte-level BPE.
/// Whether <mask> takes the white space before it is read from tokenizer.json, else
/// tokenizer_config.json, else special_tokens_map.json; RoBERTa's <mask> does. Throws RunError if a
/// file is damaged or its settings differ from RoBERTa's (add_prefix_space, added tokens, ...).
std::optional<ByteBpe> read_hf_byte_bpe(const std::string& folder);

/// vocab.json and merges.txt in the format of transformers.
std::string to_vocab_json(const ByteBpe& bpe);
std::string to_merges_txt(const ByteBpe& bpe);

}  // namespace linformer
