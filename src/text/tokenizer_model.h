#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "linformer/text/tokenizer.h"

namespace linformer {

/// The interface of the model behind a Tokenizer: SentencePiece or byte-level BPE. All members may
/// be called from several threads at once.
class TokenizerModel {
 public:
  virtual ~TokenizerModel() = default;

  /// All pieces in the order of their ids.
  virtual std::vector<std::string> pieces() const = 0;
  /// The id of the piece with exactly this spelling, or kUnkId.
  virtual int32_t piece_id(std::string_view piece) const = 0;
  /// True if no text is ever encoded as this id (except perhaps as kUnkId).
  virtual bool is_control(int32_t id) const = 0;
  /// The mark of a blank, at the front of pieces that begin a word.
  virtual std::string_view word_mark() const = 0;
  /// True if the first word of a text has the mark of a blank too.
  virtual bool marks_first_word() const = 0;
  /// True if the white space before <mask> is part of <mask>.
  virtual bool mask_takes_white_space() const = 0;
  /// The fix for messages about a model with other special ids.
  virtual const char* special_ids_fix() const = 0;

  /// Calls `visit` for the units of a text in order. The ids of the text are those of the units in
  /// a row. `continues` as in EncodeOptions.
  virtual void for_each_unit(std::string_view text, bool continues,
                             const TextUnitVisitor& visit) const = 0;
  virtual void encode(const TextUnit& unit, std::vector<int32_t>& ids) const = 0;
  /// Also appends the position in unit.text at which each id begins.
  virtual void encode(const TextUnit& unit, std::vector<int32_t>& ids,
                      std::vector<size_t>& begins) const = 0;
  /// The text of ordinary ids, valid UTF-8.
  virtual std::string decode(const std::vector<int32_t>& ids) const = 0;
};

}  // namespace linformer
