#include "linformer/text/tokenizer.h"

#include <array>
#include <utility>

#include "byte_bpe_model.h"
#include "gpt2_words.h"
#include "sentencepiece_model.h"
#include "tokenizer_model.h"

#include "linformer/core/atomic_file.h"
#include "linformer/core/checksum.h"
#include "linformer/core/error.h"
#include "linformer/text/byte_bpe_file.h"

namespace linformer {

namespace {

constexpr std::string_view kMaskPiece = "<mask>";
constexpr std::array<std::pair<int32_t, std::string_view>, 4> kFrontSpecials{
    {{kBosId, "<s>"}, {kPadId, "<pad>"}, {kEosId, "</s>"}, {kUnkId, "<unk>"}}};

/// Where the next special literal is in `text` from `from` on.
struct LiteralMatch {
  size_t position = std::string_view::npos;
  size_t length = 0;
  int32_t id = 0;
};

std::unique_ptr<TokenizerModel> make_model(const std::string& model_bytes,
                                           const std::string& name) {
  return is_byte_bpe(model_bytes) ? make_byte_bpe_model(model_bytes, name)
                                  : make_sentencepiece_model(model_bytes, name);
}

}  // namespace

Tokenizer Tokenizer::load(const std::string& path) {
  return Tokenizer(read_text_file(path), path);
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
  encodes_by_word_ = model_->may_encode_by_word() && probe_encodes_by_word();
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

bool Tokenizer::probe_encodes_by_word() const {
  const auto same = [&](std::string_view a, std::string_view b) { return encode(a) == encode(b); };
  std::vector<int32_t> joined = encode("ab");
  for (const int32_t id : encode("a")) joined.push_back(id);
  return joined == encode("ab a") && same("ab a", " ab  a ") && same("ab a", "ab\ta") &&
         same("ab a", "ab\na") && encode(" ").empty();
}

void Tokenizer::encode(std::string_view text, std::vector<int32_t>& ids) const {
  model_->encode(text, ids);
}

std::vector<int32_t> Tokenizer::encode(std::string_view text, SpecialLiterals literals) const {
  std::vector<int32_t> ids;
  if (literals == SpecialLiterals::kAsText) {
    encode(text, ids);
    return ids;
  }
  const auto next_literal = [&](std::string_view rest) {
    LiteralMatch best;
    const auto consider = [&](std::string_view literal, int32_t id) {
      const size_t found = rest.find(literal);
      if (found < best.position) best = {found, literal.size(), id};
    };
    if (literals == SpecialLiterals::kMaskAsId) {
      consider(kMaskPiece, mask_id());
      return best;
    }
    if (literals == SpecialLiterals::kAsIds) {
      for (const auto& [id, piece] : kFrontSpecials) consider(piece, id);
      consider(kMaskPiece, mask_id());
      return best;
    }
    const std::string_view unk = kFrontSpecials[3].second;
    for (size_t at = rest.find(unk); at != rest.npos; at = rest.find(unk, at + 1)) {
      const size_t end = at + unk.size();
      if ((at == 0 || rest[at - 1] == ' ') && (end == rest.size() || rest[end] == ' ')) {
        return LiteralMatch{at, unk.size(), kUnkId};
      }
    }
    return best;
  };
  while (!text.empty()) {
    const LiteralMatch match = next_literal(text);
    std::string_view before = text.substr(0, match.position);
    if (model_->marks_first_word()) {
      if (before.find_first_not_of(' ') != before.npos) encode(before, ids);
    } else {
      const bool to_mask = match.position != std::string_view::npos && match.id == mask_id();
      if (to_mask) before.remove_suffix(trailing_white_space(before));
      encode(before, ids);
    }
    if (match.position == std::string_view::npos) break;
    ids.push_back(match.id);
    text.remove_prefix(match.position + match.length);
  }
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
    // Decoding drops the blank before a first word in SentencePiece, and keeps it in BPE.
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
