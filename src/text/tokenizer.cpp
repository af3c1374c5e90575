#include "linformer/text/tokenizer.h"

#include <array>
#include <utility>

#include <sentencepiece_processor.h>

#include "linformer/core/atomic_file.h"
#include "linformer/core/checksum.h"
#include "linformer/core/error.h"

namespace linformer {

namespace {

constexpr std::string_view kWordMark = "\xE2\x96\x81";  // U+2581
constexpr std::string_view kMaskPiece = "<mask>";
constexpr std::array<std::pair<int32_t, std::string_view>, 4> kFrontSpecials{
    {{kBosId, "<s>"}, {kPadId, "<pad>"}, {kEosId, "</s>"}, {kUnkId, "<unk>"}}};

/// Where the next special literal is in `text` from `from` on.
struct LiteralMatch {
  size_t position = std::string_view::npos;
  size_t length = 0;
  int32_t id = 0;
};

}  // namespace

struct Tokenizer::Implementation {
  sentencepiece::SentencePieceProcessor processor;
};

Tokenizer Tokenizer::load(const std::string& path) {
  return Tokenizer(read_text_file(path), path);
}

Tokenizer::Tokenizer(std::string model_bytes, const std::string& name)
    : name_(name),
      model_bytes_(std::move(model_bytes)),
      hash_(xxh3(model_bytes_)),
      implementation_(std::make_unique<Implementation>()) {
  auto& processor = implementation_->processor;
  if (model_bytes_.empty() || !processor.LoadFromSerializedProto(model_bytes_).ok()) {
    fail_run(name_, "this is not a SentencePiece model, or it is damaged",
             "make one with: linformer-data tokenizer --input TEXT --output FILE.model");
  }
  const int size = processor.GetPieceSize();
  pieces_.reserve(static_cast<size_t>(size));
  for (int id = 0; id < size; ++id) pieces_.push_back(processor.IdToPiece(id));
  check_special_ids();
  for (int id = 0; id < size; ++id) {
    word_starts_.push_back(is_special(id) || piece(id).starts_with(kWordMark));
  }
  encodes_by_word_ = probe_encodes_by_word();
}

Tokenizer::~Tokenizer() = default;
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;

void Tokenizer::check_special_ids() const {
  const char* fix =
      "train it with linformer-data tokenizer, which sets <s> 0, <pad> 1, </s> 2, <unk> 3 and "
      "<mask> last";
  if (vocab_size() < 6) fail_run(name_, "the model has fewer than 6 pieces", fix);
  for (const auto& [id, expected] : kFrontSpecials) {
    if (piece(id) != expected) {
      fail_run(name_,
               "piece " + std::to_string(id) + " is '" + piece(id) + "', expected '" +
                   std::string(expected) + "'",
               fix);
    }
  }
  if (pieces_.back() != kMaskPiece || !implementation_->processor.IsControl(mask_id())) {
    fail_run(name_, "the last piece is '" + pieces_.back() + "', expected the control piece <mask>",
             fix);
  }
}

bool Tokenizer::probe_encodes_by_word() const {
  const auto& processor = implementation_->processor;
  for (int32_t id = 0; id < vocab_size(); ++id) {
    const bool crosses = piece(id).find(kWordMark, kWordMark.size()) != std::string::npos;
    if (crosses) return false;
    // Control, unknown and byte pieces have a score of 0 and are never matched in text; a user's
    // own symbol is, blanks or not.
    const bool matched = !processor.IsControl(id) && !processor.IsUnknown(id) &&
                         !processor.IsByte(id) && !processor.IsUnused(id);
    if (matched && processor.GetScore(id) == 0.0F && piece(id).find(' ') != std::string::npos) {
      return false;
    }
  }
  const auto same = [&](std::string_view a, std::string_view b) { return encode(a) == encode(b); };
  std::vector<int32_t> joined = encode("ab");
  for (const int32_t id : encode("a")) joined.push_back(id);
  return joined == encode("ab a") && same("ab a", " ab  a ") && same("ab a", "ab\ta") &&
         same("ab a", "ab\na") && encode(" ").empty();
}

void Tokenizer::encode(std::string_view text, std::vector<int32_t>& ids) const {
  // SentencePiece writes into std::vector<int>; int32_t is int here.
  thread_local std::vector<int> encoded;
  const auto status = implementation_->processor.Encode(text, &encoded);
  if (!status.ok()) {
    fail_run(name_, "SentencePiece could not encode a text: " + status.ToString(),
             "check that the model file is whole");
  }
  ids.insert(ids.end(), encoded.begin(), encoded.end());
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
    const std::string_view before = text.substr(0, match.position);
    if (before.find_first_not_of(' ') != before.npos) encode(before, ids);
    if (match.position == std::string_view::npos) break;
    ids.push_back(match.id);
    text.remove_prefix(match.position + match.length);
  }
  return ids;
}

std::string Tokenizer::decode(std::span<const int32_t> ids) const {
  std::string text;
  std::vector<int> plain;
  for (const int32_t id : ids) {
    if (id >= 0 && id < vocab_size() && !is_special(id)) plain.push_back(id);
  }
  implementation_->processor.Decode(plain, &text).IgnoreError();
  return text;
}

std::string Tokenizer::decode_with_specials(std::span<const int32_t> ids) const {
  std::string text;
  std::vector<int> run;
  const auto flush = [&] {
    if (run.empty()) return;
    std::string part;
    implementation_->processor.Decode(run, &part).IgnoreError();
    // Decoding drops the blank before a first word.
    if (!text.empty() && piece(run.front()).starts_with(kWordMark)) text += ' ';
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

int32_t Tokenizer::piece_id(std::string_view piece) const {
  return implementation_->processor.PieceToId(piece);
}

}  // namespace linformer
