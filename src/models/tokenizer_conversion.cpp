#include "tokenizer_conversion.h"

#include <filesystem>

#include "linformer/core/atomic_file.h"
#include "linformer/core/format.h"
#include "linformer/models/model_tokenizer.h"
#include "linformer/text/byte_bpe_file.h"
#include "linformer/text/transformers_tokenizer.h"

namespace linformer {

std::optional<Tokenizer> tokenizer_beside(const std::string& folder) {
  const std::string path = folder + "/tokenizer.model";
  if (std::filesystem::exists(path)) return Tokenizer::load(path);
  const std::optional<ByteBpe> bpe = read_hf_byte_bpe(folder);
  if (!bpe) return std::nullopt;
  return Tokenizer(to_model_bytes(*bpe), folder + " (tokenizer)");
}

void take_tokenizer(const OutputFolder& output, const std::string& input, const ModelConfig& config,
                    ConversionNotes& notes) {
  if (output.copy_tokenizer(input)) return;
  if (const std::optional<Tokenizer> tokenizer = tokenizer_beside(input)) {
    check_vocab_size(*tokenizer, config);
    write_file_atomically(output.path() + "/tokenizer.model", tokenizer->model_bytes());
    notes.push_back("took the byte-level BPE of " + format_count(tokenizer->vocab_size()) +
                    " pieces: the model takes texts");
    return;
  }
  const bool other = std::filesystem::exists(input + "/tokenizer.json");
  notes.push_back(
      (other ? "tokenizer.json in " + input +
                   " is not a byte-level BPE like RoBERTa's, and there is no tokenizer.model "
                   "(SentencePiece)"
             : "there is no tokenizer.model (SentencePiece) in " + input +
                   ", nor RoBERTa's vocab.json and merges.txt or tokenizer.json") +
      ": the model takes input_ids; for text, put the " +
      (other ? "tokenizer.model that it was made from" : "tokenizer it was trained with") +
      " beside it");
}

void spread_tokenizer(const OutputFolder& output, const ModelConfig& config,
                      ConversionNotes& notes) {
  const std::string path = output.path() + "/tokenizer.model";
  if (!std::filesystem::exists(path)) return;
  const Tokenizer tokenizer = Tokenizer::load(path);
  check_vocab_size(tokenizer, config);
  const TransformersTokenizer files =
      to_transformers(tokenizer, {config.max_sequence_length, config.type_vocab_size > 1});
  write_file_atomically(output.path() + "/tokenizer.json", files.tokenizer_json);
  write_file_atomically(output.path() + "/tokenizer_config.json", files.tokenizer_config_json);
  // Of another time, or for other classes than the one that tokenizer_config.json names.
  std::filesystem::remove(output.path() + "/special_tokens_map.json");
  notes.emplace_back(
      "wrote tokenizer.json: AutoTokenizer gives the ids of tokenizer.model, but for what "
      "docs/checkpoint-format.md lists (special tokens spelled out in a text, rare characters)");
  if (!is_byte_bpe(tokenizer.model_bytes())) return;
  const ByteBpe bpe = parse_byte_bpe(tokenizer.model_bytes(), path);
  write_file_atomically(output.path() + "/vocab.json", to_vocab_json(bpe));
  write_file_atomically(output.path() + "/merges.txt", to_merges_txt(bpe));
  std::filesystem::remove(path);
}

bool is_padded_vocabulary(int64_t rows, int64_t pieces) {
  if (rows <= pieces || rows >= 2 * pieces) return false;
  for (int64_t multiple = 8; multiple <= 1024; multiple *= 2) {
    if (rows == (pieces + multiple - 1) / multiple * multiple) return true;
  }
  return false;
}

}  // namespace linformer
