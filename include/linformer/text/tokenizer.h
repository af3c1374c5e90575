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

/// What literal special pieces ("<mask>", "<s>", ...) in a text become.
enum class SpecialLiterals {
  kAsText,    ///< ordinary pieces: text cannot smuggle in special tokens
  kUnkAsId,   ///< "<unk>" between blanks becomes kUnkId (WikiText), the others stay text
  kMaskAsId,  ///< "<mask>" becomes its id wherever it stands, the others stay text (prompts)
  kAsIds,     ///< all five become their ids, wherever they stand
};

struct EncodeOptions {
  SpecialLiterals literals = SpecialLiterals::kAsText;
  /// The text goes on from another one. Unless it opens with white space, no word begins with it.
  bool continues = false;
};

/// A stretch of a text that is encoded by itself; a word, in most tokenizers.
struct TextUnit {
  std::string_view text;   ///< lies in the text that it was cut from
  bool continues = false;  ///< a word goes on: SentencePiece's mark of a word stays away
  int32_t literal = -1;    ///< the id of a special literal, else -1
};
using TextUnitVisitor = std::function<void(const TextUnit&)>;

class TokenizerModel;

/// A SentencePiece model, or the byte-level BPE of an imported RoBERTa (byte_bpe_file.h), with
/// RoBERTa's special ids: <s> 0, <pad> 1, </s> 2, <unk> 3, <mask> last.
/// All const members may be called from several threads at once.
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

  /// Appends the ids of `text` without <s> and </s>: of all of it, line ends and all. Malformed
  /// UTF-8 counts as U+FFFD.
  ///
  /// A text is cut into units whose ids are put in a row. That is exact for byte-level BPE (units
  /// are GPT-2's words) and for SentencePiece's `bpe` (words between blanks, if no piece crosses
  /// one). For `unigram` the sums of scores are rounded differently from SentencePiece's sums over
  /// the whole text, so where two segmentations of a word tie to the last bits of a float, the
  /// choice may differ (docs/data.md has the rate); in return a word has the same pieces wherever
  /// it stands, however long the text. Only a unit of more than 64 KiB is cut inside, at the end of
  /// a sentence if there is one.
  void encode(std::string_view text, std::vector<int32_t>& ids) const;
  /// The white space before <mask> belongs to <mask> in byte-level BPE, as RoBERTa has it, unless
  /// the tokenizer's file says otherwise. What stands directly behind a literal begins no word.
  std::vector<int32_t> encode(std::string_view text,
                              SpecialLiterals literals = SpecialLiterals::kAsText) const;

  /// The units of a text (valid UTF-8), in order, and the ids of one, for encoders that remember
  /// words or cut texts (TextEncoder). encode() does the same.
  void for_each_unit(std::string_view text, const EncodeOptions& options,
                     const TextUnitVisitor& visit) const;
  void encode_unit(const TextUnit& unit, std::vector<int32_t>& ids) const;
  /// Appends also where in unit.text each id begins.
  void encode_unit(const TextUnit& unit, std::vector<int32_t>& ids,
                   std::vector<size_t>& begins) const;

  /// The text of the ids; special tokens are left out.
  std::string decode(std::span<const int32_t> ids) const;
  /// The text with special tokens spelled out, as in "<s> the <mask> sat</s>": for people.
  std::string decode_with_specials(std::span<const int32_t> ids) const;

  /// The piece of an id in [0, vocab_size), e.g. "▁the" (▁, U+2581, stands for a blank), in
  /// byte-level BPE "Ġthe" (U+0120).
  const std::string& piece(int32_t id) const { return pieces_[static_cast<size_t>(id)]; }
  /// Id of a piece spelled exactly so, or kUnkId.
  int32_t piece_id(std::string_view piece) const;

  /// True if the piece begins a word: it has the sign of a blank. In byte-level BPE the first word
  /// of a text has no such sign, so there any piece begins a word where it stands `first`.
  bool begins_word(int32_t id, bool first = false) const;
  /// The piece as people read it, without the sign of a blank: "the".
  std::string readable_piece(int32_t id) const;

  int32_t vocab_size() const { return static_cast<int32_t>(pieces_.size()); }
  int32_t mask_id() const { return vocab_size() - 1; }
  bool is_special(int32_t id) const { return id <= kUnkId || id == mask_id(); }
  /// Per id, 1 if the piece begins a word (has the sign of a blank) or is special; for whole-word
  /// masking.
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
