#include "sentencepiece_model.h"

#include <algorithm>
#include <memory>
#include <mutex>

#include <sentencepiece_processor.h>

#include "character_table.h"
#include "sentencepiece_file.h"

#include "linformer/core/error.h"
#include "linformer/core/utf8.h"

namespace linformer {
namespace {

constexpr std::string_view kWordMark = "\xE2\x96\x81";  // U+2581

// SentencePiece needs some 100 bytes per byte of text, and its sums of scores are floats. Longer
// words (text without blanks) are therefore cut.
constexpr size_t kMaxUnitBytes = size_t{1} << 16;

// Field 3 of a model, the normaliser's settings, with their field 3 (add_dummy_prefix) false. A
// message that occurs twice in a protocol buffer is merged; the last value of a field counts.
constexpr std::string_view kWithoutMark{"\x1A\x02\x18\x00", 4};

/// Marks that a normaliser may combine with the blank before them.
bool begins_with_combining_mark(std::string_view text) {
  if (text.empty()) return false;
  if (text[0] == '\xCC' || text[0] == '\xCD') return true;  // U+0300 to U+037F
  // Kana's voiced sound marks, U+3099 and U+309A.
  return text.starts_with("\xE3\x82\x99") || text.starts_with("\xE3\x82\x9A");
}

class SentencePieceModel final : public TokenizerModel {
 public:
  SentencePieceModel(std::string_view model_bytes, const std::string& name)
      : name_(name), model_bytes_(model_bytes) {
    check_character_table(parse_sentencepiece_file(model_bytes, name).charsmap, name);
    if (model_bytes.empty() || !is_loaded(model_bytes)) {
      fail_run(name_, "this is not a SentencePiece model, or it is damaged",
               "make one with: linformer-data tokenizer --input TEXT --output FILE.model");
    }
    if (no_piece_crosses_blanks()) find_separators();
  }

  std::vector<std::string> pieces() const override {
    std::vector<std::string> all;
    for (int id = 0; id < processor_.GetPieceSize(); ++id) all.push_back(processor_.IdToPiece(id));
    return all;
  }
  int32_t piece_id(std::string_view piece) const override { return processor_.PieceToId(piece); }
  bool is_control(int32_t id) const override { return processor_.IsControl(id); }
  std::string_view word_mark() const override { return kWordMark; }
  bool marks_first_word() const override { return true; }
  // Blanks are part of the following words, and are dropped if <mask> is that word.
  bool mask_takes_white_space() const override { return true; }

  const char* special_ids_fix() const override {
    return "train it with linformer-data tokenizer, which sets <s> 0, <pad> 1, </s> 2, <unk> 3 and "
           "<mask> last";
  }

  /// Words between separators, if the model has any, else the whole text.
  void for_each_unit(std::string_view text, bool continues,
                     const TextUnitVisitor& visit) const override {
    if (separators_.empty()) {
      const bool opens_with_blank = text.find_first_of(" \t\n") == 0;
      if (text.find_first_not_of(' ') != text.npos) {
        visit_bounded({text, continues && !opens_with_blank}, visit);
      }
      return;
    }
    for (size_t begin = 0; begin < text.size();) {
      size_t end = text.find_first_of(separators_, begin);
      while (end < text.size() &&
             (begins_with_combining_mark(text.substr(end + 1)) || beside_word_mark(text, end))) {
        end = text.find_first_of(separators_, end + 1);
      }
      end = std::min(end, text.size());
      if (end > begin) {
        visit_bounded({text.substr(begin, end - begin), continues && begin == 0}, visit);
      }
      begin = end + 1;
    }
  }

  void encode(const TextUnit& unit, std::vector<int32_t>& ids) const override {
    // SentencePiece writes into std::vector<int>; int32_t is int here.
    thread_local std::vector<int> encoded;
    const auto status = processor_of(unit).Encode(unit.text, &encoded);
    if (!status.ok()) fail_encoding(status.ToString());
    ids.insert(ids.end(), encoded.begin(), encoded.end());
  }

  void encode(const TextUnit& unit, std::vector<int32_t>& ids,
              std::vector<size_t>& begins) const override {
    sentencepiece::ImmutableSentencePieceText pieces;
    const auto status = processor_of(unit).Encode(unit.text, pieces.mutable_proto());
    if (!status.ok()) fail_encoding(status.ToString());
    for (size_t i = 0; i < pieces.pieces_size(); ++i) {
      const auto piece = pieces.pieces(static_cast<int>(i));
      ids.push_back(static_cast<int32_t>(piece.id()));
      begins.push_back(piece.begin());
    }
  }

  std::string decode(const std::vector<int32_t>& ids) const override {
    std::string text;
    processor_.Decode(ids, &text).IgnoreError();
    return text;
  }

 private:
  bool is_loaded(std::string_view model_bytes) {
    try {
      return processor_.LoadFromSerializedProto(model_bytes).ok();
    } catch (const std::exception&) {
      return false;  // an empty piece, which its tree cannot hold
    }
  }

  /// Whether a mark of a blank that the text spells out is next to `at`. If a cut left such a mark
  /// alone, it would be dropped.
  bool beside_word_mark(std::string_view text, size_t at) const {
    const size_t last = text.find_last_not_of(separators_, at);
    const size_t next = text.find_first_not_of(separators_, at);
    return (last != text.npos && text.substr(0, last + 1).ends_with(kWordMark)) ||
           (next != text.npos && text.substr(next).starts_with(kWordMark));
  }

  [[noreturn]] void fail_encoding(const std::string& message) const {
    fail_run(name_, "SentencePiece could not encode a text: " + message,
             "check that the model file is whole");
  }

  void visit_bounded(TextUnit unit, const TextUnitVisitor& visit) const {
    while (unit.text.size() > kMaxUnitBytes) {
      const size_t length = length_of_piece(unit.text, kMaxUnitBytes);
      visit({unit.text.substr(0, length), unit.continues});
      unit.text.remove_prefix(length);
      unit.continues = !separators_.empty() || unit.text.find_first_of(" \t\n") != 0;
    }
    visit(unit);
  }

  const sentencepiece::SentencePieceProcessor& processor_of(const TextUnit& unit) const {
    if (!unit.continues) return processor_;
    std::call_once(continuing_loaded_, [&] {
      const auto status =
          continuing_.LoadFromSerializedProto(model_bytes_ + std::string(kWithoutMark));
      if (!status.ok()) fail_encoding(status.ToString());
    });
    return continuing_;
  }

  bool no_piece_crosses_blanks() const {
    for (int32_t id = 0; id < processor_.GetPieceSize(); ++id) {
      const std::string& piece = processor_.IdToPiece(id);
      if (piece.find(kWordMark, kWordMark.size()) != std::string::npos) return false;
      // Control, unknown and byte pieces have a score of 0 and are never matched in text. A user's
      // own symbol is matched, with or without blanks.
      const bool matched = !processor_.IsControl(id) && !processor_.IsUnknown(id) &&
                           !processor_.IsByte(id) && !processor_.IsUnused(id);
      if (matched && processor_.GetScore(id) == 0.0F && piece.find(' ') != std::string::npos) {
        return false;
      }
    }
    return true;
  }

  /// Tests at which characters a text may be cut: the normaliser has to treat them as blanks and to
  /// collapse several into one. Without a normaliser (`identity`), a line end is a character.
  void find_separators() {
    const auto ids_of = [&](std::string_view text) {
      std::vector<int32_t> ids;
      encode({text}, ids);
      return ids;
    };
    std::vector<int32_t> apart = ids_of("ab");
    for (const int32_t id : ids_of("a")) apart.push_back(id);
    if (ids_of("ab a") != apart || ids_of(" ab  a ") != apart || !ids_of(" ").empty()) return;
    separators_ = " ";
    for (const char c : {'\t', '\n'}) {
      const std::string between = std::string("ab") + c + "a";
      const std::string around = c + between + ' ' + c;
      if (ids_of(between) == apart && ids_of(around) == apart) separators_ += c;
    }
  }

  std::string name_;
  std::string model_bytes_;
  sentencepiece::SentencePieceProcessor processor_;
  std::string separators_;  // a text may be cut at each of them; empty: nowhere
  // The same model without a mark before the text; few texts need it.
  mutable sentencepiece::SentencePieceProcessor continuing_;
  mutable std::once_flag continuing_loaded_;
};

}  // namespace

std::unique_ptr<TokenizerModel> make_sentencepiece_model(std::string_view model_bytes,
                                                         const std::string& name) {
  return std::make_unique<SentencePieceModel>(model_bytes, name);
}

}  // namespace linformer
