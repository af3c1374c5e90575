#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "linformer/core/special_tokens.h"

namespace linformer {

/// What literal special pieces in a text ("<mask>", "<s>", ...) become.
enum class SpecialLiterals {
  kAsText,    ///< ordinary pieces: a text cannot inject special tokens
  kUnkAsId,   ///< "<unk>" between blanks becomes kUnkId (WikiText), the others stay text
  kMaskAsId,  ///< "<mask>" becomes its id wherever it stands, the others stay text (prompts)
  kAsIds,     ///< all five become their ids, wherever they stand
};

struct EncodeOptions {
  SpecialLiterals literals = SpecialLiterals::kAsText;
  /// The text continues another one. No word begins at its start unless it starts with white space.
  bool continues = false;
};

/// A part of a text that is encoded by itself; in most tokenizers a word.
struct TextUnit {
  std::string_view text;   ///< lies in the text that it was cut from
  bool continues = false;  ///< continues a word: SentencePiece's mark of a word is left out
  int32_t literal = -1;    ///< the id of a special literal, else -1
};
using TextUnitVisitor = std::function<void(const TextUnit&)>;

class TokenizerModel;

/// A SentencePiece model, or the byte-level BPE of an imported RoBERTa (byte_bpe_file.h), with
/// RoBERTa's special ids: <s> 0, <pad> 1, </s> 2, <unk> 3, <mask> last. All const members may be
/// called from several threads at once.
class Tokenizer {
 public:
  /// Reads a model file of either kind; throws RunError if it is missing, damaged, or has other
  /// special ids.
  static Tokenizer load(const std::string& path);
  /// From the bytes of a model file; `name` is for messages.
  explicit Tokenizer(std::string model_bytes, const std::string& name = "tokenizer model");
  ~Tokenizer();
  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;

  /// Appends the ids of the whole `text`, line ends included, without <s> and </s>. Malformed UTF-8
  /// counts as U+FFFD.
  ///
  /// A text is cut into units, and its ids are those of the units in a row. This is exact for
  /// byte-level BPE (units are GPT-2's words) and for SentencePiece's `bpe` (words between blanks,
  /// if no piece crosses one). For `unigram`, sums of scores are rounded differently from
  /// SentencePiece's sums over the whole text. If two segmentations of a word tie to the last bits
  /// of a float, the choice may therefore differ (docs/data.md has the rate). In return, a word has
  /// the same pieces wherever it stands, however long the text is. A unit of more than 64 KiB is
  /// cut inside, at the end of a sentence if there is one.
  void encode(std::string_view text, std::vector<int32_t>& ids) const;
  /// In byte-level BPE, the white space before <mask> belongs to <mask>, as in RoBERTa, unless the
  /// tokenizer's file says otherwise. Text directly after a literal begins no new word.
  std::vector<int32_t> encode(std::string_view text,
                              SpecialLiterals literals = SpecialLiterals::kAsText) const;

  /// The units of a text (valid UTF-8) in order, and the ids of one unit, for encoders that
  /// remember words or cut texts (TextEncoder). encode() does the same.
  void for_each_unit(std::string_view text, const EncodeOptions& options,
                     const TextUnitVisitor& visit) const;
  void encode_unit(const TextUnit& unit, std::vector<int32_t>& ids) const;
  /// Also appends the position in unit.text at which each id begins.
  void encode_unit(const TextUnit& unit, std::vector<int32_t>& ids,
                   std::vector<size_t>& begins) const;

  /// The text of the ids, without special tokens.
  std::string decode(std::span<const int32_t> ids) const;
  /// The text with special tokens written out, as in "<s> the <mask> sat</s>", for people.
  std::string decode_with_specials(std::span<const int32_t> ids) const;

  /// The piece of an id in [0, vocab_size), e.g. "▁the" (▁, U+2581, stands for a blank), or in
  /// byte-level BPE "Ġthe" (U+0120).
  const std::string& piece(int32_t id) const { return pieces_[static_cast<size_t>(id)]; }
  /// The id of the piece with exactly this spelling, or kUnkId.
  int32_t piece_id(std::string_view piece) const;

  /// True if the piece begins a word, so has the mark of a blank. In byte-level BPE the first word
  /// of a text has no such mark, so any piece begins a word if it is the `first`.
  bool begins_word(int32_t id, bool first = false) const;
  /// The piece as people read it, without the mark of a blank: "the".
  std::string readable_piece(int32_t id) const;

  int32_t vocab_size() const { return static_cast<int32_t>(pieces_.size()); }
  int32_t mask_id() const { return vocab_size() - 1; }
  bool is_special(int32_t id) const { return id <= kUnkId || id == mask_id(); }
  /// One value per id: 1 if the piece begins a word (has the mark of a blank) or is special. For
  /// whole-word masking.
  const std::vector<uint8_t>& word_starts() const { return word_starts_; }

  /// XXH3 of the model file's bytes; shards and checkpoints store it.
  uint64_t hash() const { return hash_; }
  const std::string& model_bytes() const { return model_bytes_; }
  const std::string& name() const { return name_; }

 private:
  void check_special_ids() const;

  std::string name_;
  std::string model_bytes_;
  uint64_t hash_ = 0;
  std::unique_ptr<TokenizerModel> model_;
  std::vector<std::string> pieces_;
  std::vector<uint8_t> word_starts_;
};

}  // namespace linformer
