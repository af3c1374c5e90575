#include "sentencepiece_model.h"

#include <sentencepiece_processor.h>

#include "linformer/core/error.h"

namespace linformer {
namespace {

constexpr std::string_view kWordMark = "\xE2\x96\x81";  // U+2581

class SentencePieceModel final : public TokenizerModel {
 public:
  SentencePieceModel(std::string_view model_bytes, const std::string& name) : name_(name) {
    if (model_bytes.empty() || !processor_.LoadFromSerializedProto(model_bytes).ok()) {
      fail_run(name_, "this is not a SentencePiece model, or it is damaged",
               "make one with: linformer-data tokenizer --input TEXT --output FILE.model");
    }
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

  bool may_encode_by_word() const override {
    for (int32_t id = 0; id < processor_.GetPieceSize(); ++id) {
      const std::string& piece = processor_.IdToPiece(id);
      if (piece.find(kWordMark, kWordMark.size()) != std::string::npos) return false;
      // Control, unknown and byte pieces have a score of 0 and are never matched in text; a user's
      // own symbol is, blanks or not.
      const bool matched = !processor_.IsControl(id) && !processor_.IsUnknown(id) &&
                           !processor_.IsByte(id) && !processor_.IsUnused(id);
      if (matched && processor_.GetScore(id) == 0.0F && piece.find(' ') != std::string::npos) {
        return false;
      }
    }
    return true;
  }

  const char* special_ids_fix() const override {
    return "train it with linformer-data tokenizer, which sets <s> 0, <pad> 1, </s> 2, <unk> 3 and "
           "<mask> last";
  }

  void encode(std::string_view text, std::vector<int32_t>& ids) const override {
    // SentencePiece writes into std::vector<int>; int32_t is int here.
    thread_local std::vector<int> encoded;
    const auto status = processor_.Encode(text, &encoded);
    if (!status.ok()) {
      fail_run(name_, "SentencePiece could not encode a text: " + status.ToString(),
               "check that the model file is whole");
    }
    ids.insert(ids.end(), encoded.begin(), encoded.end());
  }

  std::string decode(const std::vector<int32_t>& ids) const override {
    std::string text;
    processor_.Decode(ids, &text).IgnoreError();
    return text;
  }

 private:
  std::string name_;
  sentencepiece::SentencePieceProcessor processor_;
};

}  // namespace

std::unique_ptr<TokenizerModel> make_sentencepiece_model(std::string_view model_bytes,
                                                         const std::string& name) {
  return std::make_unique<SentencePieceModel>(model_bytes, name);
}

}  // namespace linformer
