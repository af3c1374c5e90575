#include "linformer/text/sentence_encoder.h"

#include <algorithm>
#include <cstring>

#include "linformer/core/checksum.h"

namespace linformer {

namespace {

bool is_separator(char c) {
  return c == ' ' || c == '\t' || c == '\n';
}

/// U+0300 to U+037F: a normaliser may join such a mark with the blank before it.
bool begins_with_combining_mark(std::string_view word) {
  return word[0] == '\xCC' || word[0] == '\xCD';
}

template <class Visit>
void for_each_word(std::string_view text, Visit&& visit) {
  size_t begin = 0;
  for (size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && !is_separator(text[i])) continue;
    if (i > begin) visit(text.substr(begin, i - begin));
    begin = i + 1;
  }
}

}  // namespace

SentenceEncoder::SentenceEncoder(const Tokenizer& tokenizer, SpecialLiterals literals)
    : tokenizer_(tokenizer), literals_(literals), by_word_(tokenizer.encodes_by_word()) {
  if (by_word_) slots_.resize(kSlots);
}

void SentenceEncoder::encode(std::string_view sentence, std::vector<int32_t>& ids) {
  bool by_word =
      by_word_ && literals_ != SpecialLiterals::kAsIds && literals_ != SpecialLiterals::kMaskAsId;
  if (by_word && sentence.find_first_of("\xCC\xCD") != sentence.npos) {
    for_each_word(sentence, [&](std::string_view word) {
      by_word = by_word && !begins_with_combining_mark(word);
    });
  }
  if (by_word) {
    for_each_word(sentence, [&](std::string_view word) { encode_word(word, ids); });
  } else if (literals_ == SpecialLiterals::kAsText) {
    tokenizer_.encode(sentence, ids);
  } else {
    const std::vector<int32_t> encoded = tokenizer_.encode(sentence, literals_);
    ids.insert(ids.end(), encoded.begin(), encoded.end());
  }
}

void SentenceEncoder::encode_word(std::string_view word, std::vector<int32_t>& ids) {
  if (literals_ == SpecialLiterals::kUnkAsId && word == "<unk>") {
    ids.push_back(kUnkId);
    return;
  }
  if (word.size() > kMaxWordBytes) {
    tokenizer_.encode(word, ids);
    return;
  }
  Slot& slot = slots_[xxh3(word) % kSlots];
  if (slot.length == word.size() && std::memcmp(slot.word.data(), word.data(), word.size()) == 0) {
    ids.insert(ids.end(), slot.ids.begin(), slot.ids.begin() + slot.num_ids);
    return;
  }
  const size_t before = ids.size();
  tokenizer_.encode(word, ids);
  const size_t num_ids = ids.size() - before;
  if (num_ids > kMaxWordIds) return;
  std::copy(word.begin(), word.end(), slot.word.begin());
  slot.length = static_cast<uint8_t>(word.size());
  slot.num_ids = static_cast<uint8_t>(num_ids);
  std::copy(ids.begin() + static_cast<ptrdiff_t>(before), ids.end(), slot.ids.begin());
}

}  // namespace linformer
