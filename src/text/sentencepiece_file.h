#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace linformer {

/// The parts of a SentencePiece model file that the library does not expose. The values of the
/// enums are those of the file (sentencepiece_model.proto).
struct SentencePieceFile {
  enum class PieceType { kNormal = 1, kUnknown, kControl, kUserDefined, kUnused, kByte };
  enum class Model { kUnigram = 1, kBpe, kWord, kChar };

  struct Piece {
    std::string text;
    float score = 0.0F;
    PieceType type = PieceType::kNormal;
  };

  std::vector<Piece> pieces;  ///< in the order of ids
  Model model = Model::kUnigram;
  bool byte_fallback = false;
  bool blank_behind_words = false;  ///< treat_whitespace_as_suffix
  std::string normalization;        ///< "nmt_nfkc", "nfkc_cf", ...
  std::string charsmap;             ///< the normaliser's compiled table; empty = none
  bool add_blank_in_front = true;   ///< add_dummy_prefix
  bool collapse_blanks = true;      ///< remove_extra_whitespaces
  bool mark_blanks = true;          ///< escape_whitespaces
};

/// Throws RunError if the bytes are not a complete protocol buffer; `name` is for messages.
SentencePieceFile parse_sentencepiece_file(std::string_view bytes, const std::string& name);

}  // namespace linformer
