#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "linformer/text/tokenizer.h"

namespace linformer {

/// What a Tokenizer asks of the file behind it: SentencePiece or byte-level BPE.
/// All members may be called from several threads at once.
class TokenizerModel {
 public:
  virtual ~TokenizerModel() = default;

  /// All pieces in the order of their ids.
  virtual std::vector<std::string> pieces() const = 0;
  /// Id of a piece spelled exactly so, or kUnkId.
  virtual int32_t piece_id(std::string_view piece) const = 0;
  /// True if no text is ever encoded as this id (but perhaps as kUnkId).
  virtual bool is_control(int32_t id) const = 0;
  /// The sign of a blank, at the front of the pieces that begin a word.
  virtual std::string_view word_mark() const = 0;
  /// True if the first word of a text has the sign of a blank too.
  virtual bool marks_first_word() const = 0;
  /// True if the white space before <mask> is part of <mask>.
  virtual bool mask_takes_white_space() const = 0;
  /// How to mend a model with other special ids.
  virtual const char* special_ids_fix() const = 0;

  /// Calls `visit` for the units of a text, in order: the ids of the text are theirs in a row.
  /// `continues` as in EncodeOptions.
  virtual void for_each_unit(std::string_view text, bool continues,
                             const TextUnitVisitor& visit) const = 0;
  virtual void encode(const TextUnit& unit, std::vector<int32_t>& ids) const = 0;
  /// Appends also where in unit.text each id begins.
  virtual void encode(const TextUnit& unit, std::vector<int32_t>& ids,
                      std::vector<size_t>& begins) const = 0;
  /// The text of ordinary ids, valid UTF-8.
  virtual std::string decode(const std::vector<int32_t>& ids) const = 0;
};

}  // namespace linformer
