#include "linformer/text/transformers_tokenizer.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "character_table.h"
#include "sentencepiece_file.h"

#include "linformer/core/error.h"
#include "linformer/core/utf8.h"
#include "linformer/text/byte_bpe_file.h"

namespace linformer {
namespace {

using Json = nlohmann::ordered_json;
using PieceType = SentencePieceFile::PieceType;

constexpr const char* kWordMark = "\xE2\x96\x81";   // U+2581
constexpr const char* kWideTilde = "\xEF\xBD\x9E";  // U+FF5E
// Noncharacters, which no text may contain.
constexpr const char* kTildeStandIn = "\xEF\xB7\x90";  // U+FDD0
constexpr const char* kCut = "\xEF\xB7\x91";           // U+FDD1
// Characters that grapheme clusters absorb after their first one: marks, joiners, the vowel am of
// Thai and Lao, skin tones. In brackets it is a regular expression.
constexpr const char* kJoining =
    "\\p{M}\xE2\x80\x8C\xE2\x80\x8D\xE0\xB8\xB3\xE0\xBA\xB3"
    "\xF0\x9F\x8F\xBB-\xF0\x9F\x8F\xBF";

[[noreturn]] void fail_unwritable(const Tokenizer& tokenizer, const std::string& what) {
  fail_run(tokenizer.name(), what + ", which transformers' tokenizers do not have",
           "take tokenizer.model out of a copy of the folder and export that: it takes input_ids");
}

std::string base64_of(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    for (size_t j = i; j < i + 3; ++j) {
      group = group << 8 | (j < bytes.size() ? static_cast<uint8_t>(bytes[j]) : 0U);
    }
    for (size_t digit = 0; digit < 4; ++digit) {
      const bool there = i + digit <= bytes.size();
      text += there ? kDigits[group >> (18 - 6 * digit) & 63] : '=';
    }
  }
  return text;
}

/// A regular expression that matches exactly this text.
std::string escaped(std::string_view text) {
  std::string pattern;
  for (const char c : text) {
    if (std::string_view("\\^$.|?*+()[]{}-/").find(c) != std::string_view::npos) pattern += '\\';
    pattern += c;
  }
  return pattern;
}

Json replace(const Json& pattern, const std::string& content) {
  return {{"type", "Replace"}, {"pattern", pattern}, {"content", content}};
}

Json regex(const std::string& pattern) {
  return {{"Regex", pattern}};
}

Json literal(const std::string& text) {
  return {{"String", text}};
}

Json sequence_of(const char* key, Json parts) {
  return {{"type", "Sequence"}, {key, std::move(parts)}};
}

// --- SentencePiece

std::string class_of(const std::set<std::string>& characters) {
  std::string inside;
  for (const std::string& character : characters) inside += escaped(character);
  return inside;
}

/// Cuts a text between two characters that a table of characters keeps apart but `NFKC` might
/// combine or reorder.
Json cut_what_stays_apart(const CharactersBefore& before) {
  std::map<std::set<std::string>, std::set<std::string>> behind;  // by common predecessors
  std::set<std::string> all;
  for (const auto& [character, characters] : before) {
    behind[characters].insert(character);
    all.insert(character);
  }
  const std::string known = class_of(all);
  // Not at the front, since `NFKC` of tokenizers then ends the program.
  std::string pattern = std::string("(?!\\A)(?=[") + kJoining + known + "])(?=[^" + known + "]";
  for (const auto& [characters, followers] : behind) {
    pattern += "|(?<![" + class_of(characters) + "])[" + class_of(followers) + "]";
  }
  return replace(regex(pattern + ")"), kCut);
}

/// `Precompiled` looks up a whole grapheme cluster or each of its characters, and may keep only the
/// first character of a cluster. SentencePiece takes the longest sequence that the table has. So
/// `NFKC` composes what the table composes, and the table gets single characters.
void push_composing(const SentencePieceFile& file, const std::string& name, Json& steps) {
  steps.push_back(replace(literal(kWideTilde), kTildeStandIn));  // for the table to decide
  steps.push_back(cut_what_stays_apart(composed_characters(file.charsmap, name)));
  steps.push_back({{"type", "NFKC"}});
  steps.push_back(replace(literal(kTildeStandIn), kWideTilde));
  steps.push_back(replace(regex(std::string("(?!\\A)(?=[") + kJoining + "])"), kCut));
}

/// The library's own order: its table of characters, blanks collapsed, blanks marked. The
/// pre-tokenizer adds the blank in front. An empty text stays empty.
Json normalizer_of(const SentencePieceFile& file, const std::string& name) {
  Json steps = Json::array();
  const bool composes = file.normalization == "nmt_nfkc" || file.normalization == "nfkc" ||
                        file.normalization == "nmt_nfkc_cf" || file.normalization == "nfkc_cf";
  if (!file.charsmap.empty()) {
    if (composes) push_composing(file, name, steps);
    steps.push_back({{"type", "Precompiled"}, {"precompiled_charsmap", base64_of(file.charsmap)}});
    if (composes) steps.push_back(replace(literal(kCut), ""));
  }
  if (file.collapse_blanks) {
    steps.push_back(replace(regex(std::string("[ ") + kWordMark + "]+\\z"), ""));
    steps.push_back(replace(regex(" {2,}"), " "));
  }
  if (file.add_blank_in_front && !file.collapse_blanks) {
    steps.push_back({{"type", "Prepend"}, {"prepend", kWordMark}});
  }
  steps.push_back(replace(literal(" "), kWordMark));
  return sequence_of("normalizers", std::move(steps));
}

/// Puts the mark of a blank in front of a text that begins without one, but not after a special
/// token: text there, such as the "." of "<mask>.", begins no word.
Json blank_in_front() {
  return {{"type", "Metaspace"},
          {"replacement", kWordMark},
          {"prepend_scheme", "first"},
          {"split", false}};
}

/// SentencePiece never finds bytes and control pieces in a text, but the unigram model of
/// tokenizers would. If a text spells one out, a cut after its first character prevents that.
Json cut_pieces_of_no_text(const SentencePieceFile& file) {
  std::string pattern;
  for (const SentencePieceFile::Piece& piece : file.pieces) {
    if (piece.type == PieceType::kNormal || piece.type == PieceType::kByte) continue;
    const size_t first = utf8_character_length(piece.text);
    pattern += (pattern.empty() ? "" : "|") + escaped(piece.text.substr(0, first)) +
               "(?=" + escaped(piece.text.substr(first)) + ")";
  }
  if (file.byte_fallback) pattern += "|<(?=0x[0-9A-F]{2}>)";
  return {{"type", "Split"},
          {"pattern", regex(pattern)},
          {"behavior", "MergedWithPrevious"},
          {"invert", false}};
}

Json pre_tokenizer_of(const SentencePieceFile& file) {
  Json steps = Json::array();
  if (file.add_blank_in_front && file.collapse_blanks) steps.push_back(blank_in_front());
  if (file.model == SentencePieceFile::Model::kUnigram) {
    steps.push_back(cut_pieces_of_no_text(file));
  }
  if (steps.empty()) return nullptr;
  return sequence_of("pretokenizers", std::move(steps));
}

Json unigram_of(const SentencePieceFile& file) {
  Json pieces = Json::array();
  for (const SentencePieceFile::Piece& piece : file.pieces) {
    pieces.push_back(Json::array({piece.text, piece.score}));
  }
  return {{"type", "Unigram"},
          {"unk_id", kUnkId},
          {"vocab", std::move(pieces)},
          {"byte_fallback", file.byte_fallback}};
}

/// SentencePiece's BPE joins the two neighbours whose union has the best score. So every way to cut
/// a piece in two is a merge with the piece's rank.
Json merges_of(const SentencePieceFile& file) {
  std::map<std::string_view, size_t> ids;
  for (size_t id = 0; id < file.pieces.size(); ++id) {
    if (file.pieces[id].type == PieceType::kNormal) ids.emplace(file.pieces[id].text, id);
  }
  std::vector<size_t> order;
  for (const auto& [text, id] : ids) order.push_back(id);
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    const float x = file.pieces[a].score;
    const float y = file.pieces[b].score;
    return x != y ? x > y : a < b;
  });
  Json merges = Json::array();
  for (const size_t id : order) {
    const std::string_view text = file.pieces[id].text;
    for (size_t cut = utf8_character_length(text); cut > 0 && cut < text.size();) {
      const std::string_view left = text.substr(0, cut);
      const std::string_view right = text.substr(cut);
      if (ids.count(left) && ids.count(right)) merges.push_back(Json::array({left, right}));
      cut += std::max<size_t>(utf8_character_length(right), 1);
    }
  }
  return merges;
}

/// Pieces and their ids, in the order of ids.
template <class Pieces, class TextOf>
Json ids_of(const Pieces& pieces, TextOf&& text_of) {
  Json::object_t ids;
  for (size_t id = 0; id < pieces.size(); ++id) ids.push_back({text_of(pieces[id]), id});
  return ids;
}

Json bpe_of(Json ids, Json merges, bool byte_fallback, bool one_unk_for_several) {
  return {{"type", "BPE"},
          {"dropout", nullptr},
          {"unk_token", "<unk>"},
          {"continuing_subword_prefix", nullptr},
          {"end_of_word_suffix", nullptr},
          {"fuse_unk", one_unk_for_several},
          {"byte_fallback", byte_fallback},
          {"ignore_merges", false},
          {"vocab", std::move(ids)},
          {"merges", std::move(merges)}};
}

void check_writable(const Tokenizer& tokenizer, const SentencePieceFile& file) {
  const bool known = file.model == SentencePieceFile::Model::kUnigram ||
                     file.model == SentencePieceFile::Model::kBpe;
  if (!known) fail_unwritable(tokenizer, "the model type is neither unigram nor bpe");
  if (file.blank_behind_words) fail_unwritable(tokenizer, "the mark of a blank ends words");
  if (!file.mark_blanks) fail_unwritable(tokenizer, "blanks have no mark");
  for (const SentencePieceFile::Piece& piece : file.pieces) {
    if (piece.text.empty() || valid_utf8_prefix(piece.text) != piece.text.size()) {
      fail_run(tokenizer.name(), "it has a piece that is not text (UTF-8)",
               "copy the file again from where it came");
    }
    if (piece.type == PieceType::kUserDefined || piece.type == PieceType::kUnused) {
      fail_unwritable(tokenizer, "the piece '" + piece.text + "' is user-defined or unused");
    }
  }
}

void write_sentencepiece(const Tokenizer& tokenizer, Json& json) {
  const SentencePieceFile file =
      parse_sentencepiece_file(tokenizer.model_bytes(), tokenizer.name());
  check_writable(tokenizer, file);
  json["normalizer"] = normalizer_of(file, tokenizer.name());
  json["pre_tokenizer"] = pre_tokenizer_of(file);
  Json decoder = Json::array(
      {replace(literal(kWordMark), " "), {{"type", "ByteFallback"}}, {{"type", "Fuse"}}});
  if (file.add_blank_in_front) {
    decoder.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  }
  json["decoder"] = sequence_of("decoders", std::move(decoder));
  if (file.model == SentencePieceFile::Model::kUnigram) {
    json["model"] = unigram_of(file);
  } else {
    Json ids = ids_of(file.pieces, [](const auto& piece) { return piece.text; });
    json["model"] = bpe_of(std::move(ids), merges_of(file), file.byte_fallback, true);
  }
}

// --- byte-level BPE

void write_byte_bpe(const Tokenizer& tokenizer, Json& json) {
  const ByteBpe bpe = parse_byte_bpe(tokenizer.model_bytes(), tokenizer.name());
  const Json bytes{{"type", "ByteLevel"},
                   {"add_prefix_space", false},
                   {"trim_offsets", true},
                   {"use_regex", true}};
  json["normalizer"] = nullptr;
  json["pre_tokenizer"] = bytes;
  json["decoder"] = bytes;
  Json merges = Json::array();
  for (const auto& [left, right] : bpe.merges) merges.push_back(Json::array({left, right}));
  Json ids = ids_of(bpe.vocabulary, [](const std::string& piece) { return piece; });
  json["model"] = bpe_of(std::move(ids), std::move(merges), false, false);
}

// --- both

Json added_token(const std::string& content, bool takes_blank_before) {
  return {{"content", content}, {"single_word", false}, {"lstrip", takes_blank_before},
          {"rstrip", false},    {"normalized", false},  {"special", true}};
}

/// <mask> of a byte-level BPE takes the white space before it, unless its files say otherwise.
bool mask_takes_blank_before(const Tokenizer& tokenizer) {
  if (!is_byte_bpe(tokenizer.model_bytes())) return false;
  return parse_byte_bpe(tokenizer.model_bytes(), tokenizer.name()).mask_takes_white_space;
}

Json added_tokens(const Tokenizer& tokenizer, bool mask_takes_blank) {
  Json tokens = Json::array();
  for (int32_t id = 0; id < tokenizer.vocab_size(); ++id) {
    if (!tokenizer.is_special(id)) continue;
    Json token{{"id", id}};
    token.update(added_token(tokenizer.piece(id), mask_takes_blank && id == tokenizer.mask_id()));
    tokens.push_back(std::move(token));
  }
  return tokens;
}

/// <s> a </s> and <s> a </s></s> b </s>, the second text with its end as segment 1.
Json post_processor(bool segments) {
  const auto part = [](const char* kind, const char* id, int segment) {
    return Json{{kind, {{"id", id}, {"type_id", segment}}}};
  };
  const auto token = [](const char* text, int32_t id) {
    return Json{{"id", text}, {"ids", {id}}, {"tokens", {text}}};
  };
  const Json bos = part("SpecialToken", "<s>", 0);
  const Json eos = part("SpecialToken", "</s>", 0);
  const int second = segments ? 1 : 0;
  return {
      {"type", "TemplateProcessing"},
      {"single", Json::array({bos, part("Sequence", "A", 0), eos})},
      {"pair", Json::array({bos, part("Sequence", "A", 0), eos, eos, part("Sequence", "B", second),
                            part("SpecialToken", "</s>", second)})},
      {"special_tokens", {{"<s>", token("<s>", kBosId)}, {"</s>", token("</s>", kEosId)}}}};
}

Json tokenizer_config(const TokenizedModel& model, bool mask_takes_blank) {
  Json names = Json::array({"input_ids", "attention_mask"});
  if (model.segments) names.insert(names.begin() + 1, "token_type_ids");
  Json mask{{"__type", "AddedToken"}};
  mask.update(added_token("<mask>", mask_takes_blank));
  return {{"tokenizer_class", "PreTrainedTokenizerFast"},
          {"model_max_length", model.max_sequence_length},
          {"model_input_names", std::move(names)},
          {"clean_up_tokenization_spaces", false},
          {"bos_token", "<s>"},
          {"eos_token", "</s>"},
          {"cls_token", "<s>"},
          {"sep_token", "</s>"},
          {"unk_token", "<unk>"},
          {"pad_token", "<pad>"},
          {"mask_token", std::move(mask)}};
}

}  // namespace

TransformersTokenizer to_transformers(const Tokenizer& tokenizer, const TokenizedModel& model) {
  const bool mask_takes_blank = mask_takes_blank_before(tokenizer);
  Json json{{"version", "1.0"}, {"truncation", nullptr}, {"padding", nullptr}};
  json["added_tokens"] = added_tokens(tokenizer, mask_takes_blank);
  if (is_byte_bpe(tokenizer.model_bytes())) {
    write_byte_bpe(tokenizer, json);
  } else {
    write_sentencepiece(tokenizer, json);
  }
  json["post_processor"] = post_processor(model.segments);
  return {json.dump() + "\n", tokenizer_config(model, mask_takes_blank).dump(2) + "\n"};
}

}  // namespace linformer
