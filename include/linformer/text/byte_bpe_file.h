#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace linformer {

/// RoBERTa's tokenizer, GPT-2's byte-level BPE, as its files hold it. Pieces are written in GPT-2's
/// 256 printable characters, a blank as U+0120.
struct ByteBpe {
  std::vector<std::string> vocabulary;                      ///< in the order of ids
  std::vector<std::pair<std::string, std::string>> merges;  ///< the first comes before all others
  /// Whether the white space before <mask> is part of <mask> (`lstrip` of transformers).
  bool mask_takes_white_space = true;
};

/// True if these bytes of a tokenizer.model begin with the mark of a byte-level BPE.
bool is_byte_bpe(std::string_view model_bytes);

/// One file of it: a line that names the format, then JSON with "vocabulary" and "merges" ("a b"),
/// and "mask_takes_white_space" where that is false.
/// The same tokenizer gives the same bytes.
std::string to_model_bytes(const ByteBpe& bpe);
/// Reads them back; throws RunError if they are damaged.
ByteBpe parse_byte_bpe(std::string_view model_bytes, const std::string& name);

/// The tokenizer of a Hugging Face folder, from vocab.json and merges.txt, else tokenizer.json;
/// nothing if they are not there or tokenizer.json holds no byte-level BPE. What <mask> takes is
/// said by tokenizer.json, else tokenizer_config.json, else special_tokens_map.json; RoBERTa's
/// takes the white space before it. Throws RunError if a file is damaged or its settings are not
/// RoBERTa's (add_prefix_space, added tokens, ...).
std::optional<ByteBpe> read_hf_byte_bpe(const std::string& folder);

/// vocab.json and merges.txt as transformers reads and writes them.
std::string to_vocab_json(const ByteBpe& bpe);
std::string to_merges_txt(const ByteBpe& bpe);

}  // namespace linformer
