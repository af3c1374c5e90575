#include "linformer/text/tokenizer.h"

#include <array>
#include <filesystem>
#include <utility>

#include "byte_bpe_model.h"
#include "gpt2_words.h"
#include "sentencepiece_model.h"
#include "tokenizer_model.h"

#include "linformer/core/atomic_file.h"
#include "linformer/core/checksum.h"
#include "linformer/core/error.h"
#include "linformer/core/mark_file.h"
#include "linformer/core/missing_path.h"
#include "linformer/core/utf8.h"
#include "linformer/text/byte_bpe_file.h"

namespace linformer {

namespace {

constexpr std::string_view kMaskPiece = "<mask>";
constexpr std::array<std::pair<int32_t, std::string_view>, 4> kFrontSpecials{
    {{kBosId, "<s>"}, {kPadId, "<pad>"}, {kEosId, "</s>"}, {kUnkId, "<unk>"}}};

/// The position of the next special literal in a text.
struct LiteralMatch {
  size_t position = std::string_view::npos;
  size_t length = 0;
  int32_t id = -1;
};

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n';
}

/// The first "<unk>" from `from` on that stands between blanks or at an end of the text.
LiteralMatch find_unk(std::string_view text, size_t from) {
  const std::string_view unk = kFrontSpecials[kUnkId].second;
  for (size_t at = text.find(unk, from); at != text.npos; at = text.find(unk, at + 1)) {
    const size_t end = at + unk.size();
    if ((at == 0 || is_blank(text[at - 1])) && (end == text.size() || is_blank(text[end]))) {
      return {at, unk.size(), kUnkId};
    }
  }
  return {};
}

/// The first literal from `from` on that `literals` turns into an id.
LiteralMatch find_literal(std::string_view text, size_t from, SpecialLiterals literals,
                          int32_t mask_id) {
  if (literals == SpecialLiterals::kAsText) return {};
  if (literals == SpecialLiterals::kUnkAsId) return find_unk(text, from);
  LiteralMatch best;
  const auto consider = [&](std::string_view literal, int32_t id) {
    const size_t found = text.find(literal, from);
    if (found < best.position) best = {found, literal.size(), id};
  };
  if (literals == SpecialLiterals::kAsIds) {
    for (const auto& [id, piece] : kFrontSpecials) consider(piece, id);
  }
  consider(kMaskPiece, mask_id);
  return best;
}

std::unique_ptr<TokenizerModel> make_model(const std::string& model_bytes,
                                           const std::string& name) {
  return is_byte_bpe(model_bytes) ? make_byte_bpe_model(model_bytes, name)
                                  : make_sentencepiece_model(model_bytes, name);
}

}  // namespace

Tokenizer Tokenizer::load(const std::string& path) {
  const std::string file = follow_marks(path);
  if (std::error_code ignored; !std::filesystem::exists(file, ignored) && !ignored) {
    fail_missing(path, "there is no such tokenizer",
                 "train one with linformer-data tokenizer, or name the tokenizer.model of a model "
                 "folder");
  }
  return Tokenizer(read_text_file(file), file);
}

Tokenizer::Tokenizer(std::string model_bytes, const std::string& name)
    : name_(name),
      model_bytes_(std::move(model_bytes)),
      hash_(xxh3(model_bytes_)),
      model_(make_model(model_bytes_, name_)),
      pieces_(model_->pieces()) {
  check_special_ids();
  for (int32_t id = 0; id < vocab_size(); ++id) {
    word_starts_.push_back(is_special(id) || begins_word(id));
  }
}

Tokenizer::~Tokenizer() = default;
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;

void Tokenizer::check_special_ids() const {
  const char* fix = model_->special_ids_fix();
  if (vocab_size() < 6) fail_run(name_, "the model has fewer than 6 pieces", fix);
  for (const auto& [id, expected] : kFrontSpecials) {
    if (piece(id) != expected) {
      fail_run(name_,
               "piece " + std::to_string(id) + " is '" + piece(id) + "', expected '" +
                   std::string(expected) + "'",
               fix);
    }
  }
  if (pieces_.back() != kMaskPiece || !model_->is_control(mask_id())) {
    fail_run(name_, "the last piece is '" + pieces_.back() + "', expected the control piece <mask>",
             fix);
  }
}

void Tokenizer::for_each_unit(std::string_view text, const EncodeOptions& options,
                              const TextUnitVisitor& visit) const {
  size_t begin = 0;
  bool continues = options.continues;
  while (true) {
    const LiteralMatch match = find_literal(text, begin, options.literals, mask_id());
    std::string_view before = text.substr(begin, match.position - begin);
    if (match.id == mask_id() && model_->mask_takes_white_space()) {
      before.remove_suffix(trailing_white_space(before));
    }
    if (!before.empty()) model_->for_each_unit(before, continues, visit);
    if (match.position == text.npos) return;
    visit({text.substr(match.position, match.length), false, match.id});
    begin = match.position + match.length;
    continues = true;
  }
}

void Tokenizer::encode_unit(const TextUnit& unit, std::vector<int32_t>& ids) const {
  if (unit.literal >= 0) {
    ids.push_back(unit.literal);
  } else {
    model_->encode(unit, ids);
  }
}

void Tokenizer::encode_unit(const TextUnit& unit, std::vector<int32_t>& ids,
                            std::vector<size_t>& begins) const {
  if (unit.literal >= 0) {
    ids.push_back(unit.literal);
    begins.push_back(0);
  } else {
    model_->encode(unit, ids, begins);
  }
}

void Tokenizer::encode(std::string_view text, std::vector<int32_t>& ids) const {
  const std::vector<int32_t> encoded = encode(text);
  ids.insert(ids.end(), encoded.begin(), encoded.end());
}

std::vector<int32_t> Tokenizer::encode(std::string_view text, SpecialLiterals literals) const {
  std::string repaired;
  if (valid_utf8_prefix(text) != text.size()) {
    append_repaired_utf8(text, repaired);
    text = repaired;
  }
  std::vector<int32_t> ids;
  for_each_unit(text, {literals}, [&](const TextUnit& unit) { encode_unit(unit, ids); });
  return ids;
}

std::string Tokenizer::decode(std::span<const int32_t> ids) const {
  std::vector<int32_t> plain;
  for (const int32_t id : ids) {
    if (id >= 0 && id < vocab_size() && !is_special(id)) plain.push_back(id);
  }
  return model_->decode(plain);
}

std::string Tokenizer::decode_with_specials(std::span<const int32_t> ids) const {
  std::string text;
  std::vector<int32_t> run;
  const auto flush = [&] {
    if (run.empty()) return;
    std::string part = model_->decode(run);
    // SentencePiece drops the blank before the first word when it decodes; BPE keeps it.
    const bool opens_with_blank = begins_word(run.front());
    if (opens_with_blank && !model_->marks_first_word()) part.erase(0, 1);
    if (!text.empty() && opens_with_blank) text += ' ';
    text += part;
    run.clear();
  };
  for (const int32_t id : ids) {
    if (id < 0 || id >= vocab_size()) {
      flush();
      text += "<id " + std::to_string(id) + "?>";
    } else if (is_special(id)) {
      flush();
      if (id == mask_id() || id == kUnkId) text += ' ';
      text += piece(id);
    } else {
      run.push_back(id);
    }
  }
  flush();
  return text;
}

bool Tokenizer::begins_word(int32_t id, bool first) const {
  return piece(id).starts_with(model_->word_mark()) || (first && !model_->marks_first_word());
}

std::string Tokenizer::readable_piece(int32_t id) const {
  if (is_special(id)) return piece(id);
  const size_t mark = begins_word(id) ? model_->word_mark().size() : 0;
  if (model_->marks_first_word()) return piece(id).substr(mark);
  const std::string text = model_->decode({id});
  return mark > 0 ? text.substr(1) : text;
}

int32_t Tokenizer::piece_id(std::string_view piece) const {
  return model_->piece_id(piece);
}

}  // namespace linformer
